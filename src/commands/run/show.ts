import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { runArg, stateFlag, verboseFlag } from "../../lib/cli/flags.js";
import type { RunInspection } from "../../lib/run/inspect.js";

export default class RunShow extends BaseCommand<typeof RunShow> {
  static override summary =
    "Show how a run stands: its state, what is stuck and why, what to type next.";

  static override streams = true;

  static override args = {
    run: runArg,
  };

  static override flags = {
    watch: Flags.boolean({
      description: "show it again at every change, until it ends or stops",
      default: false,
    }),
    verbose: verboseFlag,
    state: stateFlag,
  };

  async run(): Promise<object> {
    const { FileStateStore } = await import("../../lib/state/file/store.js");
    const { connectAgents } = await import("../../lib/run/agents.js");
    const { ageBy, systemClock } = await import("../../lib/run/clock.js");
    const { inspectRun } = await import("../../lib/run/inspect.js");
    const { inspectionText } = await import("../../lib/report/run-summary.js");
    const store = new FileStateStore(this.flags.state);
    let shown = "";
    for (;;) {
      const run = await inspectRun(store, connectAgents, this.args.run, systemClock.now());
      const key = changing(run);
      if (key !== shown) {
        this.print(inspectionText(run, ageBy(systemClock), this.textOptions));
        if (this.flags.watch) this.event("run", { ...run });
        shown = key;
      }
      if (!this.flags.watch || run.activity !== "running" || !(await this.waitToLook())) return run;
    }
  }
}

function changing({ activity, stage, steps, open, holder, remaining }: RunInspection): string {
  return JSON.stringify([
    activity,
    remaining && Math.round(remaining.mostMs / 60_000),
    stage,
    steps,
    holder,
    open.map(({ step, state, phase }) => [step, state, phase]),
  ]);
}
