import * as Flags from "@oclif/core/flags";
import { confirm, typed } from "../../lib/cli/confirm.js";
import { dryRunFlag, runArg, stateFlag, verboseFlag, yesFlag } from "../../lib/cli/flags.js";
import { RunCommand } from "../../lib/console/run-command.js";
import type { Deletions } from "../../lib/run/deletions.js";
import type { RunEnvironment } from "../../lib/run/session.js";

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
    "drop-keyspace": Flags.string({
      description: "confirm that this removed keyspace is deleted for good",
      helpValue: "KEYSPACE",
      multiple: true,
      multipleNonGreedy: true,
    }),
    "drop-outside": Flags.string({
      description: "confirm the same of what lies outside of this keyspace's new domain",
      helpValue: "KEYSPACE",
      multiple: true,
      multipleNonGreedy: true,
    }),
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
      const { finalizeRun } = await import("../../lib/run/finalize.js");
      await confirm(`Drop the old copies of ${run}? There is no way back.`, {
        yes: this.flags.yes,
      });
      const deletions = await this.deletions(env, run);
      await finalizeRun(env, run, { early: this.flags.early, deletions });
      return this.told(env, run);
    });
  }

  /** What is deleted for good is named by an option, or typed at the terminal; --yes is not enough. */
  private async deletions(env: RunEnvironment, run: string): Promise<Deletions> {
    const { shardPlanOf } = await import("../../lib/run/session.js");
    const { unconfirmed } = await import("../../lib/run/deletions.js");
    const { discardText } = await import("../../lib/plan/discards.js");
    const { "drop-keyspace": keyspaces = [], "drop-outside": outside = [] } = this.flags;
    const named = { keyspaces: [...keyspaces], outside: [...outside] };
    for (const discard of unconfirmed(await shardPlanOf(env.store, run), named)) {
      const { keyspace, whole } = discard;
      if (await typed(`This has ${discardText(discard)}.`, keyspace))
        (whole ? named.keyspaces : named.outside).push(keyspace);
    }
    return named;
  }
}
