import { Args, Flags } from "@oclif/core";
import { stateFlag } from "../../lib/cli/flags.js";
import { RunCommand } from "../../lib/cli/run-command.js";

export default class RunResume extends RunCommand<typeof RunResume> {
  static override summary = "Take up an interrupted run in the direction in which it was going.";

  static override args = {
    run: Args.string({ description: "id of the run (ops run list)", required: true }),
  };

  static override flags = {
    "dry-run": Flags.boolean({ description: "show the steps and change nothing", default: false }),
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
