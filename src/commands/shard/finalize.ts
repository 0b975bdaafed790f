import { Flags } from "@oclif/core";
import { confirm } from "../../lib/cli/confirm.js";
import { dryRunFlag, runArg, stateFlag, verboseFlag, yesFlag } from "../../lib/cli/flags.js";
import { RunCommand } from "../../lib/console/run-command.js";

export default class ShardFinalize extends RunCommand<typeof ShardFinalize> {
  static override summary = "End a run that soaks: drop the old copies.";

  static override description =
    "There is no way back from this but a new plan. Checks first that every agent and every copy is where it should be.";

  static override examples = ["<%= config.bin %> <%= command.id %> r-20261122-153012-ab12"];

  static override args = {
    run: runArg,
  };

  static override flags = {
    early: Flags.boolean({ description: "do not wait for the end of the soak", default: false }),
    "dry-run": dryRunFlag,
    verbose: verboseFlag,
    state: stateFlag,
    yes: yesFlag,
  };

  async run(): Promise<object> {
    const { run } = this.args;
    return this.withRuns(this.flags.state, async (env) => {
      const { previewFinalize } = await import("../../lib/run/preview.js");
      if (this.flags["dry-run"]) return this.foretold(await previewFinalize(env, run));
      await confirm(`Drop the old copies of ${run}? There is no way back.`, {
        yes: this.flags.yes,
      });
      const { finalizeRun } = await import("../../lib/run/finalize.js");
      await finalizeRun(env, run, { early: this.flags.early });
      return this.told(env, run);
    });
  }
}
