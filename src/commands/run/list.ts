import { BaseCommand } from "../../lib/cli/base.js";
import { stateFlag } from "../../lib/cli/flags.js";

export default class RunList extends BaseCommand<typeof RunList> {
  static override summary = "List the runs, oldest first.";

  static override flags = { state: stateFlag };

  async run(): Promise<object> {
    const { FileStateStore } = await import("../../lib/state/file/store.js");
    const { ageBy, systemClock } = await import("../../lib/run/clock.js");
    const { listRuns } = await import("../../lib/run/runs.js");
    const { listText } = await import("../../lib/report/run-summary.js");
    const { damagedText } = await import("../../lib/report/damaged-runs.js");
    const { runs, damaged } = await listRuns(new FileStateStore(this.flags.state));
    this.print(listText(runs, ageBy(systemClock), this.textOptions));
    if (damaged.length > 0) this.print(damagedText(damaged, this.textOptions));
    return { v: 1, runs, damaged };
  }
}
