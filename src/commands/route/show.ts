import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { stateFlag, verboseFlag } from "../../lib/cli/flags.js";

export default class RouteShow extends BaseCommand<typeof RouteShow> {
  static override summary = "Show the published routes, or those that a node has.";

  static override examples = [
    "<%= config.bin %> route show",
    "<%= config.bin %> route show --node sh-1-d1",
  ];

  static override flags = {
    node: Flags.string({ description: "ask this node's agent", helpValue: "NODE" }),
    verbose: verboseFlag,
    state: stateFlag,
  };

  async run(): Promise<object> {
    const { FileStateStore } = await import("../../lib/state/file/store.js");
    const { nodeTables, storedTables } = await import("../../lib/run/tables.js");
    const { routesText } = await import("../../lib/report/run-routes.js");
    const { encodeTable } = await import("../../lib/routing/wire.js");
    const stored = await storedTables(new FileStateStore(this.flags.state));
    const { node } = this.flags;
    if (node === undefined) {
      this.print(routesText(stored, this.textOptions));
      return { v: 1, node: null, tables: stored.map(encodeTable) };
    }
    const tables = await nodeTables(stored, node);
    this.print(routesText(tables, this.textOptions));
    for (const { keyspace, version } of stored) {
      const has = tables.find((table) => table.keyspace === keyspace)?.version ?? "none";
      if (has !== version)
        this.note(`${node} has version ${has} of ${keyspace}; published is ${version}`);
    }
    return { v: 1, node, tables: tables.map(encodeTable) };
  }
}
