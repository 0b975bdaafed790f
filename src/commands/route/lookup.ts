import * as Args from "@oclif/core/args";
import { BaseCommand } from "../../lib/cli/base.js";
import { stateFlag } from "../../lib/cli/flags.js";
import { EXIT, OpsError } from "../../lib/errors.js";

export default class RouteLookup extends BaseCommand<typeof RouteLookup> {
  static override summary = "Say where a user's keys live.";

  static override examples = ["<%= config.bin %> route lookup profile 10001"];

  static override args = {
    keyspace: Args.string({ description: "keyspace", required: true }),
    key: Args.string({ description: "UID or UID/NAME", required: true }),
  };

  static override flags = { state: stateFlag };

  async run(): Promise<object> {
    const { FileStateStore } = await import("../../lib/state/file/store.js");
    const { storedTable } = await import("../../lib/run/tables.js");
    const { parseKey, positionOf } = await import("../../lib/keyspace/key.js");
    const { lookup } = await import("../../lib/routing/lookup.js");
    const { readersText } = await import("../../lib/report/run-routes.js");
    const { keyspace, key } = this.args;
    const table = await storedTable(new FileStateStore(this.flags.state), keyspace);
    if (table.withdrawn) {
      throw new OpsError(
        "withdrawn",
        EXIT.usage,
        `keyspace ${keyspace} is no more: its routes are withdrawn (version ${table.version})`,
      );
    }
    const position = positionOf(table.sharding, parseKey(key).uid);
    const found = lookup(table, position);
    if (found === null) {
      const { lo, hi } = table.domain;
      throw new OpsError(
        "out-of-domain",
        EXIT.usage,
        `${key} is at ${position}, outside of ${keyspace} [${lo}, ${hi})`,
      );
    }
    const { lo, hi, shard, writer, generation, readers } = found;
    const url = table.nodes[writer]?.url ?? null;
    this.print(`${keyspace} ${key}: position ${position} in [${lo}, ${hi}), shard ${shard}`);
    this.print(
      `  writer ${writer}${url === null ? "" : ` (${url})`}, generation ${generation}\n  ${readersText(found)}\n  routes version ${table.version}`,
    );
    return {
      v: 1,
      keyspace,
      key,
      position,
      segment: { lo, hi },
      shard,
      writer,
      url,
      generation: generation.toString(),
      readers,
      version: table.version,
    };
  }
}
