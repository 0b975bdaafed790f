import * as Flags from "@oclif/core/flags";
import { confirm } from "../../lib/cli/confirm.js";
import { dryRunFlag, runArg, stateFlag, verboseFlag, yesFlag } from "../../lib/cli/flags.js";
import { RunCommand } from "../../lib/console/run-command.js";

export default class ShardRollback extends RunCommand<typeof ShardRollback> {
  static override summary = "Take back what a run did, last first, without losing a write.";

  static override description =
    "From any point at which the run stands, also after a crash. Not after shard finalize: then a new plan leads back.";

  static override examples = [
    "<%= config.bin %> <%= command.id %> r-20261122-153012-ab12",
    "<%= config.bin %> <%= command.id %> r-20261122-153012-ab12 --to verify --dry-run",
  ];

  static override args = {
    run: runArg,
  };

  static override flags = {
    to: Flags.string({
      description: "go back only as far as the end of this stage",
      helpValue: "STAGE",
    }),
    "dry-run": dryRunFlag,
    verbose: verboseFlag,
    state: stateFlag,
    yes: yesFlag,
  };

  async run(): Promise<object> {
    const { run } = this.args;
    const to = this.flags.to ?? null;
    return this.withRuns(this.flags.state, async (env) => {
      if (this.flags["dry-run"]) {
        const { previewRollback } = await import("../../lib/run/preview.js");
        return this.foretold(await previewRollback(env, run, to));
      }
      const back = to === null ? "" : ` as far as ${to}`;
      await confirm(`Roll back ${run}${back}?`, { yes: this.flags.yes });
      const { rollbackRun } = await import("../../lib/run/rollback.js");
      await rollbackRun(env, run, { to });
      return this.told(env, run);
    });
  }
}
