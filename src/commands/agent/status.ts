import { Flags } from "@oclif/core";
import { BaseCommand } from "../../lib/cli/base.js";
import { stateFlag, verboseFlag } from "../../lib/cli/flags.js";
import { EXIT, OpsError } from "../../lib/errors.js";

export default class AgentStatus extends BaseCommand<typeof AgentStatus> {
  static override summary = "Ask every agent what it holds, whom it follows, and how far it lags.";

  static override description =
    "The agents of a topology, or without one those that the published routes name.";

  static override flags = {
    topology: Flags.string({ char: "t", description: "the topology", helpValue: "FILE" }),
    verbose: verboseFlag,
    state: stateFlag,
  };

  async run(): Promise<object> {
    const { askAgents } = await import("../../lib/run/tables.js");
    const { agentsText } = await import("../../lib/report/run-agents.js");
    const agents = await askAgents(await this.urls());
    this.print(agentsText(agents, this.textOptions));
    const silent = agents.filter(({ status }) => status === null);
    if (silent.length > 0)
      this.exitWith(silent.length === agents.length ? EXIT.unreachable : EXIT.partial);
    return { v: 1, agents };
  }

  private async urls(): Promise<Record<string, { readonly url: string }>> {
    const { topology: file, state } = this.flags;
    if (file !== undefined) {
      const { loadTopology } = await import("../../lib/topology/load.js");
      const { dataAgents } = await import("../../lib/run/observe.js");
      return dataAgents((await loadTopology(file)).topology);
    }
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
