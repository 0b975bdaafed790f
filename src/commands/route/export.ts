import * as Flags from "@oclif/core/flags";
import { BaseCommand } from "../../lib/cli/base.js";
import { stateFlag } from "../../lib/cli/flags.js";

export default class RouteExport extends BaseCommand<typeof RouteExport> {
  static override summary =
    "Write the published routes for applications: JSON, or one line for each segment.";

  static override examples = [
    "<%= config.bin %> route export --format lines",
    "<%= config.bin %> route export --keyspace profile > profile.json",
  ];

  static override flags = {
    format: Flags.string({
      description: "json or lines",
      options: ["json", "lines"],
      default: "json",
    }),
    keyspace: Flags.string({ description: "only this one", helpValue: "K" }),
    state: stateFlag,
  };

  async run(): Promise<object> {
    const { FileStateStore } = await import("../../lib/state/file/store.js");
    const { storedTable, storedTables } = await import("../../lib/run/tables.js");
    const { encodeTable } = await import("../../lib/routing/wire.js");
    const { routeLines } = await import("../../lib/routing/lines.js");
    const store = new FileStateStore(this.flags.state);
    const { keyspace, format } = this.flags;
    const tables =
      keyspace === undefined ? await storedTables(store) : [await storedTable(store, keyspace)];
    const value = { v: 1, tables: tables.map(encodeTable) };
    this.print(format === "lines" ? routeLines(tables).trimEnd() : JSON.stringify(value, null, 2));
    return value;
  }
}
