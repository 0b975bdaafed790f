import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { KeepAwayCommand, wantedFlags } from "../../lib/console/keep-away-command.js";
import { paceFlag } from "../../lib/console/schedule-command.js";

export default class RegionEvacuate extends KeepAwayCommand<typeof RegionEvacuate> {
  static override summary = "Move everyone and every write out of a region, as one run.";

  static override description = `First no login is sent there, then the writes of each primary there go to a replica in another region, then users who are
connected are told to log in elsewhere (weak), or their connections are closed (strong). What runs there is stopped at its next safe
boundary. Writes that cannot move are named, and the exit code is 6. ops run rollback takes all of it back; region restore is the way back later.
--simulate runs the half of the users in virtual time, and that of the data on the model of the protocol.`;

  static override examples = [
    "<%= config.bin %> region evacuate shanghai -t topology.yaml --reason 'fire next door' --ttl 4h",
    "<%= config.bin %> region evacuate shanghai -t topology.yaml --mode strong --reason burning --ttl 4h --dry-run",
  ];

  static override args = {
    region: Args.string({ description: "a region of the topology", required: true }),
  };

  static override flags = {
    ...wantedFlags,
    mode: Flags.option({
      description: "tell users to log in elsewhere, or close their connections",
      options: ["weak", "strong"] as const,
      default: "weak",
    })(),
    pace: paceFlag,
  };

  async run(): Promise<object> {
    const { assertOnlyOne, planEvacuation, scopesOf, setsOf } =
      await import("../../lib/run/change-region.js");
    const { changeRegion, rehearseWrites } = await import("../../lib/console/region-changes.js");
    const { region } = this.args;
    const { mode, pace, state, simulate } = this.flags;
    const request = await this.request();
    const sites = setsOf(request.topology, region);
    const wanted = await this.wanted({ mode, pace });
    if (simulate) {
      const writes = await rehearseWrites(request, region, "out", this.screen);
      const intent = { ...wanted, sites, filter: this.filter };
      return { ...writes, ...(await this.simulatedKeepAway(request, intent)) };
    }
    return this.withRuns(state, async (env) => {
      await assertOnlyOne(env, request.topology, region);
      return changeRegion(
        env,
        scopesOf(request.topology, region),
        () => planEvacuation(env, request, region, { ...wanted, actor: env.actor }),
        this.screen,
      );
    });
  }
}
