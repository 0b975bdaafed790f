import * as Flags from "@oclif/core/flags";
import { confirm } from "../../lib/cli/confirm.js";
import { dryRunFlag, planArg, stateFlag, verboseFlag, yesFlag } from "../../lib/cli/flags.js";
import { RunCommand } from "../../lib/console/run-command.js";
import { EXIT, OpsError } from "../../lib/errors.js";

export default class ShardApply extends RunCommand<typeof ShardApply> {
  static override summary = "Apply a plan, or take up the run of it that was interrupted.";

  static override description = `Goes as far as the soak, or to the end where nothing soaks and nothing is dropped (a first plan).
Old copies stay until shard finalize, and shard rollback takes everything back.
The first Ctrl-C stops at a safe boundary, the second leaves the agents to it. The same command again goes on.`;

  static override examples = [
    "<%= config.bin %> shard apply plan.json",
    "<%= config.bin %> shard apply plan.json --dry-run",
    "<%= config.bin %> shard apply plan.json --until verify --yes",
  ];

  static override args = {
    plan: planArg,
  };

  static override flags = {
    until: Flags.string({ description: "stop after this stage", helpValue: "STAGE" }),
    "dry-run": dryRunFlag,
    verbose: verboseFlag,
    state: stateFlag,
    yes: yesFlag,
  };

  async run(): Promise<object> {
    const { readSoundPlan } = await import("../../lib/run/read-plan.js");
    const { findStage, isReversible } = await import("../../lib/run/agenda.js");
    const plan = await readSoundPlan(this.args.plan);
    if (plan.stages.length === 0) {
      this.print("nothing to do: the cluster is as the topology says");
      return { changes: false };
    }
    const last = this.flags.until === undefined ? null : findStage(plan, this.flags.until);
    if (last !== null && !isReversible(last)) {
      throw new OpsError(
        "no-such-stage",
        EXIT.usage,
        `${last.id} is only done by ops shard finalize`,
      );
    }
    return this.withRuns(this.flags.state, async (env) => {
      const { previewApply } = await import("../../lib/run/preview.js");
      const until = last?.id ?? null;
      if (this.flags["dry-run"]) return this.foretold(await previewApply(env, plan, until));
      const question = `Apply plan ${plan.hash.slice(0, 12)} (${plan.stages.length} stages, ${plan.scopes.join(", ")})?`;
      await confirm(question, { yes: this.flags.yes });
      const { applyPlan } = await import("../../lib/run/apply.js");
      return this.told(env, await applyPlan(env, plan, { until }));
    });
  }
}
