import { sitesArg } from "../../lib/console/keep-away-command.js";
import { paceNamed, sitesNamed } from "../../lib/console/flag-values.js";
import {
  ScheduleCommand,
  changeFlags,
  filterFlags,
  paceFlag,
  simulateFlags,
} from "../../lib/console/schedule-command.js";

export default class ScheduleRestore extends ScheduleCommand<typeof ScheduleRestore> {
  static override summary = "Send users to sites again from which they are kept away.";

  static override description = `Logins come back step by step (the ramp that the mask was given), then users who belong there and are elsewhere are told to
log in there, as fast as the sites take logins. Not into a site of which a gateway does not answer. --simulate begins with
the sites empty, as a disable leaves them.`;

  static override examples = [
    "<%= config.bin %> schedule restore sh-1-a -t topology.yaml --reason 'fire is out'",
    "<%= config.bin %> schedule restore shanghai -t topology.yaml --reason rehearsal --simulate --chart restore.svg",
  ];

  static override args = { site: sitesArg };
  static override flags = { ...changeFlags, ...filterFlags, ...simulateFlags, pace: paceFlag };

  async run(): Promise<object> {
    const { planRestore } = await import("../../lib/run/change-users.js");
    const { reason, pace, state, simulate } = this.flags;
    const request = await this.request();
    const sites = sitesNamed(request.topology, this.args.site);
    const idle = `nobody is kept away from ${sites.join(", ")}, and nobody who belongs there is elsewhere`;
    const asked = { sites, filter: this.filter, reason, pace: paceNamed(pace) };
    if (simulate) return this.simulatedRestore(request, asked, idle);
    return this.withRuns(state, async (env) => {
      const found = await planRestore(env, request, { ...asked, actor: env.actor });
      const isKnown = found.silent.every(({ role }) => role !== "gateway");
      return this.changeAsHeard(env, found, isKnown ? idle : `${idle}, as far as gateways say`);
    });
  }
}
