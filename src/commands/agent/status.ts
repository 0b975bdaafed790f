import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { stateFlag, verboseFlag } from "../../lib/cli/flags.js";
import { EXIT, OpsError } from "../../lib/errors.js";
import type { AgentAnswer } from "../../lib/run/tables.js";
import type { Topology } from "../../lib/topology/types.js";

export default class AgentStatus extends BaseCommand<typeof AgentStatus> {
  static override summary = "Ask every agent what it holds, whom it follows, and how far it lags.";

  static override description =
    "The agents of a topology, those of access nodes each in a line of its own, or without one those that the published routes name. With a topology also what copies cost between regions, against what it expects.";

  static override flags = {
    topology: Flags.string({ char: "t", description: "the topology", helpValue: "FILE" }),
    verbose: verboseFlag,
    state: stateFlag,
  };

  async run(): Promise<object> {
    const { askAgents } = await import("../../lib/run/tables.js");
    const { agentsText } = await import("../../lib/report/run-agents.js");
    const topology = await this.topology();
    const agents = await askAgents(topology === null ? await this.routed() : topology.agents);
    const sync = topology === null ? null : await this.sync(topology.topology, agents);
    this.print([agentsText(agents, this.textOptions), ...(sync?.text ?? [])].join("\n\n"));
    const silent = agents.filter(({ status }) => status === null);
    if (silent.length > 0)
      this.exitWith(silent.length === agents.length ? EXIT.unreachable : EXIT.partial);
    return { v: 1, agents, ...(sync === null ? {} : { sync: sync.traffic }) };
  }

  private async topology() {
    if (this.flags.topology === undefined) return null;
    const { loadTopology } = await import("../../lib/topology/load.js");
    const { accessAgents, dataAgents } = await import("../../lib/run/observe.js");
    const { topology } = await loadTopology(this.flags.topology);
    return { topology, agents: { ...dataAgents(topology), ...accessAgents(topology) } };
  }

  private async sync(topology: Topology, agents: readonly AgentAnswer[]) {
    const { syncTraffic } = await import("../../lib/run/sync-traffic.js");
    const { syncText } = await import("../../lib/report/run-sync.js");
    const traffic = syncTraffic(topology, agents);
    const isGlobal = topology.keyspaces.some(({ sync }) => sync === "global");
    return { traffic, text: isGlobal ? [syncText(traffic, this.textOptions)] : [] };
  }

  /** The agents that the published routes name. */
  private async routed(): Promise<Record<string, { readonly url: string }>> {
    const { state } = this.flags;
    const { FileStateStore } = await import("../../lib/state/file/store.js");
    const { storedTables } = await import("../../lib/run/tables.js");
    const nodes = (await storedTables(new FileStateStore(state))).map((table) => table.nodes);
    if (nodes.length > 0)
      return Object.assign({}, ...nodes) as Record<string, { readonly url: string }>;
    throw new OpsError(
      "no-agents-known",
      EXIT.usage,
      `no routes have been published from ${state}`,
      {
        hint: "name a topology: ops agent status -t FILE",
      },
    );
  }
}
