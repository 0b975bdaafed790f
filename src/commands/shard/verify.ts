import { runArg, stateFlag, verboseFlag } from "../../lib/cli/flags.js";
import { RunCommand } from "../../lib/console/run-command.js";
import { EXIT, OpsError } from "../../lib/errors.js";

export default class ShardVerify extends RunCommand<typeof ShardVerify> {
  static override summary =
    "Compare every copy that a run made with its source again, on the live agents.";

  static override examples = ["<%= config.bin %> <%= command.id %> r-20261122-153012-ab12"];

  static override args = {
    run: runArg,
  };

  static override flags = { verbose: verboseFlag, state: stateFlag };

  async run(): Promise<object> {
    const { run } = this.args;
    return this.withRuns(this.flags.state, async (env) => {
      const { verifyRun } = await import("../../lib/run/verify-run.js");
      const { range } = await import("../../lib/plan/say.js");
      const { verifiedText } = await import("../../lib/report/run-verify.js");
      const copies = await verifyRun(env, run);
      this.print(verifiedText(copies, this.textOptions));
      const bad = copies.filter(({ difference }) => difference !== null);
      if (bad.length === 0) return { run, copies };
      const [first] = bad as [(typeof bad)[0]];
      const all = copies.reduce((sum, { segments }) => sum + segments.length, 0);
      const message = `${bad.length} of ${all} copies differ, first ${range(first)} on ${first.node} from ${first.source}`;
      throw new OpsError("copies-differ", EXIT.failure, message, {
        hint: `do not finalize; ops shard rollback ${run} goes back where it has not been finalized`,
        details: { copies },
      });
    });
  }
}
