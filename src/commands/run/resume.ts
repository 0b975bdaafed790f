import { dryRunFlag, runArg, stateFlag, verboseFlag } from "../../lib/cli/flags.js";
import { RunCommand } from "../../lib/console/run-command.js";

export default class RunResume extends RunCommand<typeof RunResume> {
  static override summary = "Take up an interrupted run in the direction in which it was going.";

  static override args = {
    run: runArg,
  };

  static override flags = {
    "dry-run": dryRunFlag,
    verbose: verboseFlag,
    state: stateFlag,
  };

  async run(): Promise<object> {
    const { run } = this.args;
    return this.withRuns(this.flags.state, async (env) => {
      const { previewResume } = await import("../../lib/run/preview.js");
      if (this.flags["dry-run"]) return this.foretold(await previewResume(env, run));
      const { resumeRun } = await import("../../lib/run/resume.js");
      await resumeRun(env, run);
      return this.told(env, run);
    });
  }
}
