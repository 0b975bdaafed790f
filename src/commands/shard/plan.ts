import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { stateFlag, topologyFlag, verboseFlag } from "../../lib/cli/flags.js";
import { EXIT } from "../../lib/errors.js";
import type { Observed } from "../../lib/plan/observed.js";
import { BLAST_RADII, type Topology } from "../../lib/topology/types.js";

export default class ShardPlan extends BaseCommand<typeof ShardPlan> {
  static override summary =
    "Work out what must change so that the cluster is as the topology says.";

  static override description = `Asks the agents who holds what, and changes nothing. The plan is for review; shard apply runs it.
Warns when the state folder has a run of the same keyspaces that has not ended: that one comes first.`;

  static override examples = [
    "<%= config.bin %> shard plan -t topology.yaml -o plan.json",
    "<%= config.bin %> shard plan -t topology.yaml --blast-radius set -o plan.json",
    "<%= config.bin %> shard plan -t topology.yaml --from deployed.yaml --detailed-exitcode",
  ];

  static override flags = {
    topology: topologyFlag,
    out: Flags.string({
      char: "o",
      description: "write the plan here, for shard apply",
      helpValue: "PLAN",
    }),
    from: Flags.string({
      description: "compare with this topology instead of asking the agents",
      helpValue: "BASE.yaml",
    }),
    "blast-radius": Flags.option({
      description: "what may be put at risk at one time, instead of the topology's policy",
      options: BLAST_RADII,
    })(),
    verbose: verboseFlag,
    "detailed-exitcode": Flags.boolean({
      description: "exit 2 when there is something to do",
      default: false,
    }),
    state: stateFlag,
  };

  async run(): Promise<object> {
    const { loadTarget } = await import("../../lib/topology/load.js");
    const { planShards } = await import("../../lib/plan/planner.js");
    const { assertSound } = await import("../../lib/plan/check/index.js");
    const { sha256 } = await import("../../lib/plan/hash.js");
    const { planText } = await import("../../lib/report/plan.js");
    const { inTheWayText } = await import("../../lib/report/run-summary.js");
    const { unfinishedRuns } = await import("../../lib/run/find-run.js");
    const { FileStateStore } = await import("../../lib/state/file/store.js");
    const { topology, text } = await loadTarget(this.flags.topology);
    const { "blast-radius": blastRadius = topology.policy.blastRadius } = this.flags;
    const plan = planShards({
      topology: { ...topology, policy: { ...topology.policy, blastRadius } },
      observed: await this.observed(topology),
      createdAt: new Date().toISOString(),
      topologyHash: sha256(text),
    });
    assertSound(plan);
    this.print(planText(plan, this.textOptions));
    const runs = await unfinishedRuns(new FileStateStore(this.flags.state), plan.scopes);
    const isClear = runs === null || runs.length === 0;
    if (!isClear) this.note(inTheWayText(runs, this.textOptions));
    const changes = plan.stages.length > 0;
    const { out } = this.flags;
    if (out !== undefined) {
      const { encodePlan } = await import("../../lib/plan/encode.js");
      const { writeOutput } = await import("../../lib/cli/write-output.js");
      await writeOutput(out, encodePlan(plan));
      const next = changes && isClear ? `. Next: ops shard apply ${out}` : "";
      this.note(`Plan written to ${out}${next}`);
    }
    if (changes && this.flags["detailed-exitcode"]) this.exitWith(EXIT.changes);
    const known = runs === null ? {} : { unfinished: runs };
    return { v: 1, changes, file: out ?? null, plan, ...known };
  }

  private async observed(topology: Topology): Promise<Observed> {
    const { from } = this.flags;
    if (from === undefined) {
      const { observe } = await import("../../lib/run/observe.js");
      return observe(topology);
    }
    const { loadTopology } = await import("../../lib/topology/load.js");
    const { observedFromTopology } = await import("../../lib/plan/observed.js");
    return observedFromTopology((await loadTopology(from)).topology);
  }
}
