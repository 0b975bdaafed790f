import * as Flags from "@oclif/core/flags";
import { KeepAwayCommand, keepAwayFlags, sitesArg } from "../../lib/console/keep-away-command.js";
import { paceFlag } from "../../lib/console/schedule-command.js";

export default class ScheduleDisable extends KeepAwayCommand<typeof ScheduleDisable> {
  static override summary =
    "Move users away from sites: masked, and those who are connected log in elsewhere.";

  static override description = `weak: users are told to log in elsewhere, part by part, as fast as the sites that get them can take logins; those are watched
in between, and the run stops by itself when one is not well. strong: connections are closed. Otherwise as schedule mask.`;

  static override examples = [
    "<%= config.bin %> schedule disable sh-1-a -t topology.yaml --mode weak --reason 'fire next door' --ttl 4h",
    "<%= config.bin %> schedule disable shanghai -t topology.yaml --mode strong --pace unpaced --override login-rate --reason burning --ttl 4h",
    "<%= config.bin %> schedule disable shanghai -t topology.yaml --mode weak --reason rehearsal --ttl 4h --simulate --chart shanghai.svg",
  ];

  static override args = { site: sitesArg };
  static override flags = {
    ...keepAwayFlags,
    mode: Flags.option({
      description: "tell users to log in elsewhere, or close their connections",
      options: ["weak", "strong"] as const,
      required: true,
    })(),
    pace: paceFlag,
  };

  async run(): Promise<object> {
    return this.keepAway(this.args.site, this.flags);
  }
}
