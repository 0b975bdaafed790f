import * as Args from "@oclif/core/args";
import { paceNamed } from "../../lib/console/flag-values.js";
import {
  ScheduleCommand,
  changeFlags,
  paceFlag,
  simulateFlags,
} from "../../lib/console/schedule-command.js";

export default class RegionRestore extends ScheduleCommand<typeof RegionRestore> {
  static override summary = "Bring users and writes back to a region, as one run.";

  static override description = `Logins come back step by step; then the writes go back to the primaries that the topology has there, once their copies are
known to be equal; then users who belong there are told to log in there. Not into a region of which a gateway does not
answer. Writes that cannot go back are named, and the exit code is 6. --simulate runs the half of the users in virtual time,
and that of the data on the model of the protocol, beginning with the region empty.`;

  static override examples = [
    "<%= config.bin %> region restore shanghai -t topology.yaml --reason 'fire is out'",
  ];

  static override args = {
    region: Args.string({ description: "a region of the topology", required: true }),
  };

  static override flags = { ...changeFlags, ...simulateFlags, pace: paceFlag };

  async run(): Promise<object> {
    const { assertOnlyOne, planRegionRestore, setsOf } =
      await import("../../lib/run/change-region.js");
    const { changeRegion, rehearseWrites } = await import("../../lib/console/region-changes.js");
    const { region } = this.args;
    const { reason, pace, state, simulate } = this.flags;
    const request = await this.request();
    const sites = setsOf(request.topology, region);
    if (simulate) {
      const asked = { sites, filter: this.filter, reason, pace: paceNamed(pace) };
      const writes = await rehearseWrites(request, region, "back", this.screen);
      const idle = `nobody is kept away from ${region}`;
      return { ...writes, ...(await this.simulatedRestore(request, asked, idle)) };
    }
    return this.withRuns(state, async (env) => {
      await assertOnlyOne(env, request.topology, region);
      return changeRegion(
        env,
        [],
        () =>
          planRegionRestore(env, request, region, {
            reason,
            actor: env.actor,
            pace: paceNamed(pace),
          }),
        this.screen,
      );
    });
  }
}
