import { Flags } from "@oclif/core";
import { dryRunFlag, runArg, stateFlag, verboseFlag } from "../../lib/cli/flags.js";
import { RunCommand } from "../../lib/console/run-command.js";

export default class RunResume extends RunCommand<typeof RunResume> {
  static override summary = "Take up an interrupted run in the direction in which it was going.";

  static override args = {
    run: runArg,
  };

  static override flags = {
    without: Flags.string({
      description:
        "an access agent that is gone for good: its part in moving users is left out; may be given several times",
      helpValue: "NODE",
      multiple: true,
      multipleNonGreedy: true,
      default: [],
    }),
    "dry-run": dryRunFlag,
    verbose: verboseFlag,
    state: stateFlag,
  };

  async run(): Promise<object> {
    const { run } = this.args;
    const { without } = this.flags;
    return this.withRuns(this.flags.state, async (env) => {
      const { previewResume } = await import("../../lib/run/preview.js");
      if (this.flags["dry-run"]) return this.foretold(await previewResume(env, run, without));
      const { resumeRun } = await import("../../lib/run/resume.js");
      await resumeRun(env, run, without);
      return this.told(env, run);
    });
  }
}
