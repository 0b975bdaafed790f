import { KeepAwayCommand, keepAwayFlags, sitesArg } from "../../lib/console/keep-away-command.js";

export default class ScheduleMask extends KeepAwayCommand<typeof ScheduleMask> {
  static override summary = "Send no login to sites any more; who is connected stays.";

  static override description = `SITE is a set, an idc or a region, meaning its sets. The mask ends by itself after --ttl: the agents see to that, also with this
control plane dead, step by step and only into sites that are well. Works while every agent of the sites is dead: it acts
at the dispatchers that answer; those that do not are named, and the exit code is 6.`;

  static override examples = [
    "<%= config.bin %> schedule mask sh-1-a -t topology.yaml --reason 'packet loss' --ttl 30m",
    "<%= config.bin %> schedule mask shanghai -t topology.yaml --carrier telecom --port 8080 --reason 'port blocked' --ttl 2h --dry-run",
  ];

  static override args = { site: sitesArg };
  static override flags = keepAwayFlags;

  async run(): Promise<object> {
    return this.keepAway(this.args.site, { mode: "mask" });
  }
}
