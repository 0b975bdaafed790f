import { KeepAwayCommand, keepAwayFlags, sitesArg } from "../../lib/console/keep-away-command.js";
import { paceFlag } from "../../lib/console/schedule-command.js";

export default class ScheduleDrain extends KeepAwayCommand<typeof ScheduleDrain> {
  static override summary = "Empty sites, for example before a risky update.";

  static override description = `As schedule disable --mode weak, and it ends only once the gateways of the sites count no user whom it is for: who has come
since is told as well, and whoever is still there 30 s later is closed. When some are left it says how many (exit 6), and
ops run resume goes on. ops schedule restore brings users back.`;

  static override examples = [
    "<%= config.bin %> schedule drain sh-1-a -t topology.yaml --reason 'new kernel' --ttl 4h",
    "<%= config.bin %> schedule drain sh-1-a -t topology.yaml --reason 'new kernel' --ttl 4h --simulate",
  ];

  static override args = { site: sitesArg };
  static override flags = { ...keepAwayFlags, pace: paceFlag };

  async run(): Promise<object> {
    return this.keepAway(this.args.site, { mode: "weak", empties: true, pace: this.flags.pace });
  }
}
