import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { milliseconds, shareNamed, sitesNamed } from "../../lib/console/flag-values.js";
import { ScheduleCommand, batchesFlags } from "../../lib/console/schedule-command.js";

/** Longer than a working day is no drill, ms. */
const LONGEST_HOLD_MS = 24 * 3_600_000;

export default class ScheduleDrill extends ScheduleCommand<typeof ScheduleDrill> {
  static override summary = "Fill a site with users of the others for a while, and give them back.";

  static override description = `SITE is a set, an idc or a region, meaning its sets. Users are moved there batch after batch until each set has --up-to of
the users that it is rated for; it is watched at every step and for as long as --hold. Then everyone goes back, and the
policy is what it was. When a site is not well the run stops by itself: ops run rollback brings everyone back, ops run
resume goes on.`;

  static override examples = [
    "<%= config.bin %> schedule drill shanghai --up-to 50% -t topology.yaml --reason 'drill of March'",
    "<%= config.bin %> schedule drill shanghai --up-to 50% --hold 30m -t topology.yaml --reason rehearsal --simulate --chart drill.svg",
  ];

  static override args = {
    site: Args.string({ description: "a set, an idc or a region", required: true }),
  };
  static override flags = {
    ...batchesFlags,
    "up-to": Flags.string({
      description: "of the users online that each set is rated for",
      default: "50%",
      helpValue: "50%",
    }),
    hold: Flags.string({
      description: "so long it stays so full, watched; at most 24h",
      default: "10m",
      helpValue: "10m",
    }),
  };

  async run(): Promise<object> {
    const { planDrill } = await import("../../lib/run/drill-users.js");
    const { state, hold, simulate } = this.flags;
    const upTo = this.flags["up-to"];
    const request = await this.request();
    const asked = {
      sites: sitesNamed(request.topology, [this.args.site]),
      upTo: await shareNamed("up-to", upTo),
      holdMs: await milliseconds("hold", hold, LONGEST_HOLD_MS),
      ...(await this.batches()),
    };
    const idle = `${this.args.site} has ${upTo} or more of what it is rated for already`;
    if (simulate) {
      const { drillScenario } = await import("../../lib/schedule/simulate/scenario.js");
      return this.simulated(request, (service) => drillScenario(service, asked), idle);
    }
    return this.withRuns(state, async (env) => {
      const plan = await planDrill(env, request, { ...asked, actor: env.actor });
      return this.change(env, plan, idle);
    });
  }
}
