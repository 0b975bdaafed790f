import { confirm } from "../../lib/cli/confirm.js";
import { dryRunFlag, stateFlag, topologyFlag, verboseFlag, yesFlag } from "../../lib/cli/flags.js";
import { RunCommand } from "../../lib/console/run-command.js";

export default class AgentAdopt extends RunCommand<typeof AgentAdopt> {
  static override summary = "Take over agents that already hold data, as they are.";

  static override description = `For agents whose state folder is lost, or whose routes are: they obey this state folder from then on, and get routes to
those who hold the data. Nobody gains or loses a copy, nothing is deleted. Shows what the file has otherwise: shard plan
changes that afterwards. It is a run like others. Whoever works with another state folder is obeyed no more.`;

  static override examples = [
    "<%= config.bin %> agent adopt -t topology.yaml --dry-run",
    "<%= config.bin %> agent adopt -t topology.yaml --yes",
  ];

  static override flags = {
    topology: topologyFlag,
    "dry-run": dryRunFlag,
    verbose: verboseFlag,
    state: stateFlag,
    yes: yesFlag,
  };

  async run(): Promise<object> {
    const { loadTopology } = await import("../../lib/topology/load.js");
    const { sha256 } = await import("../../lib/plan/hash.js");
    const { assertSound } = await import("../../lib/plan/check/index.js");
    const { lookAround } = await import("../../lib/run/drift/look.js");
    const { adoptionOf } = await import("../../lib/run/adopt.js");
    const { planText } = await import("../../lib/report/plan.js");
    const { leftText } = await import("../../lib/report/drift.js");
    const { topology: file, state } = this.flags;
    const { topology, text } = await loadTopology(file);
    return this.withRuns(state, async (env) => {
      const seen = await lookAround(topology, file, env.store, env.connect);
      const { plan, left } = adoptionOf(
        seen,
        new Date(env.clock.now()).toISOString(),
        sha256(text),
      );
      assertSound(plan);
      if (plan.stages.length === 0) {
        this.print(`nothing to adopt: the agents obey ${state}, and have the routes`);
        this.print(leftText(left, this.textOptions));
        return { changes: false, left };
      }
      const isDry = this.flags["dry-run"];
      if (!isDry) this.print(planText(plan, this.textOptions));
      this.print(leftText(left, this.textOptions));
      if (isDry) {
        const { previewApply } = await import("../../lib/run/preview.js");
        return { ...(await this.foretold(await previewApply(env, plan, null))), left };
      }
      const agents = Object.keys(plan.nodes).length;
      await confirm(`Take over ${agents} agents, with what they hold as it is?`, {
        yes: this.flags.yes,
      });
      const { applyPlan } = await import("../../lib/run/apply.js");
      return { ...(await this.told(env, await applyPlan(env, plan, { until: null }))), left };
    });
  }
}
