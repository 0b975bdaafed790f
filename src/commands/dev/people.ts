import { setTimeout as delay } from "node:timers/promises";
import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { topologyFlag } from "../../lib/cli/flags.js";
import { onStopSignals } from "../../lib/cli/signals.js";

const TOLD_EVERY_MS = 2_000;
/** So often in a row nobody was connected: the agents are gone for good. */
const NOBODY_MAX = 4;

export default class DevPeople extends BaseCommand<typeof DevPeople> {
  static override summary =
    "Let users log in on this machine, who want to be connected all the time.";

  static override description = `They ask the dispatchers of the topology where to log in, hold WebSocket sessions at its gateways, go elsewhere when they are
told to, and come back when a session ends. Of each carrier and province there are as many as the topology's demand says.
What changes is told every 2 s, until Ctrl-C; or until all have lost their sessions and nobody has found one for 8 s, as
after ops dev down. There has to be a policy: ops schedule balance.`;

  static override examples = ["<%= config.bin %> dev people -t cluster/topology.yaml --users 3000"];

  static override streams = true;

  static override flags = {
    topology: topologyFlag,
    users: Flags.integer({ description: "how many", default: 1_000, min: 1, max: 20_000 }),
  };

  async run(): Promise<object> {
    const { loadTopology } = await import("../../lib/topology/load.js");
    const { crowdOf } = await import("../../lib/demo/demand.js");
    const { crowdText } = await import("../../lib/report/crowd.js");
    const { topology: file, users } = this.flags;
    const { topology } = await loadTopology(file);
    const { crowd, perSecond } = crowdOf(topology, users, { random: Math.random });
    const over = new AbortController();
    onStopSignals({ stop: () => over.abort(), detach: () => over.abort() });
    const coming = crowd.start(perSecond);
    let before = "";
    for (let nobody = 0; nobody < NOBODY_MAX && !over.signal.aborted;) {
      await delay(TOLD_EVERY_MS, undefined, { signal: over.signal }).catch(() => {});
      const figures = crowd.figures();
      nobody = figures.online === 0 && figures.logins > 0 ? nobody + 1 : 0;
      const text = crowdText(figures);
      if (text === before) continue;
      before = text;
      this.print(text);
      this.event("people", figures);
    }
    const figures = crowd.figures();
    crowd.stop();
    await coming;
    return figures;
  }
}
