import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { stateFlag, topologyFlag, verboseFlag } from "../../lib/cli/flags.js";
import { EXIT } from "../../lib/errors.js";

export default class ScheduleStatus extends BaseCommand<typeof ScheduleStatus> {
  static override summary =
    "Show users, logins, health and masks of every site, as the access agents say.";

  static override description = `Users online against what each site is rated for, logins a second against the limit, gateways that answer, loss of heartbeats; what
keeps users away, why, by whom and for how long; who has an older policy. Changes nothing. Agents that do not answer are
named, and the exit code is 6; 9 if none does.`;

  static override examples = [
    "<%= config.bin %> schedule status -t topology.yaml",
    "<%= config.bin %> schedule status -t topology.yaml --watch",
  ];

  static override streams = true;

  static override flags = {
    topology: topologyFlag,
    watch: Flags.boolean({ description: "show it again every 2 s, until Ctrl-C", default: false }),
    verbose: verboseFlag,
    state: stateFlag,
  };

  async run(): Promise<object> {
    const { loadTopology } = await import("../../lib/topology/load.js");
    const { FileStateStore } = await import("../../lib/state/file/store.js");
    const { connectAgents } = await import("../../lib/run/agents.js");
    const { systemClock } = await import("../../lib/run/clock.js");
    const { readScheduleStatus } = await import("../../lib/run/schedule-status.js");
    const { scheduleStatusText } = await import("../../lib/report/schedule-status.js");
    const { topology: file, state, watch } = this.flags;
    const { topology } = await loadTopology(file);
    const env = { store: new FileStateStore(state), connect: connectAgents, clock: systemClock };
    for (;;) {
      const status = await readScheduleStatus(env, topology);
      this.print(`${scheduleStatusText(status, this.textOptions)}${watch ? "\n" : ""}`);
      if (watch) this.event("status", status);
      if (watch && (await this.waitToLook())) continue;
      const { agents, silent } = status;
      if (silent.length > 0) this.exitWith(agents.length === 0 ? EXIT.unreachable : EXIT.partial);
      return status;
    }
  }
}
