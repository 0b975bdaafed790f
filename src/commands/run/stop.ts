import { runArg, stateFlag } from "../../lib/cli/flags.js";
import { RunCommand } from "../../lib/console/run-command.js";

export default class RunStop extends RunCommand<typeof RunStop> {
  static override summary =
    "Ask the process that works on a run to stop at its next safe boundary.";

  static override description = `As Ctrl-C where it runs, from anywhere that has the state directory; waits until it has stopped. The run can be taken up
again (run resume), or back (run rollback).`;

  static override args = {
    run: runArg,
  };

  static override flags = { state: stateFlag };

  async run(): Promise<object> {
    const { run } = this.args;
    return this.withRuns(this.flags.state, async (env) => {
      const { stopOthers } = await import("../../lib/run/stop-requests.js");
      const holders = await env.store.holders();
      const held = holders.filter((one) => one.run === run && one.alive !== "no");
      await stopOthers(env, held);
      const summary = await this.told(env, run);
      if (held.length === 0) this.print("no process works on it");
      return summary;
    });
  }
}
