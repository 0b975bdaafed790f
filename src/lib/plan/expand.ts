import { EXIT, OpsError } from "../errors.js";
import { addShard, setSegments } from "../topology/edit.js";
import { parseTopology } from "../topology/parse.js";
import type { Keyspace, Topology } from "../topology/types.js";
import type { Histogram } from "./observed.js";
import { halve, type Split } from "./split.js";

/** A shard to add, as `SHARD=NODE[,REPLICA...]` names it. */
export interface Addition {
  readonly shard: string;
  readonly primary: string;
  readonly replicas: readonly string[];
}

export interface Expansion {
  /** The topology's text with the new shards; valid, comments and order kept. */
  readonly text: string;
  readonly splits: readonly Split[];
}

/** Reads `SHARD=NODE[,REPLICA...]`. Throws OpsError `expand/bad-addition` (exit 64). */
export function parseAddition(text: string): Addition {
  const [shard = "", nodes, ...rest] = text.split("=");
  const [primary = "", ...replicas] = (nodes ?? "").split(",");
  if (shard === "" || rest.length > 0 || [primary, ...replicas].includes("")) {
    throw new OpsError(
      "expand/bad-addition",
      EXIT.usage,
      `--add ${text}: expected SHARD=NODE[,REPLICA...]`,
      {
        hint: "For example --add p3=sh-2-d1,sz-2-d1,tj-2-d1",
      },
    );
  }
  return { shard, primary, replicas };
}

/**
 * Halves the fullest shards of a range-sharded keyspace for new ones. `file` is only named in problems. Throws OpsError:
 * `plan/unsupported`, `expand/unknown-keyspace`, `expand/shard-exists`, `expand/too-small` (exit 3), and `invalid-topology` when
 * the result breaks a rule, such as a node that does not exist.
 */
export function expandTopology(
  source: { readonly topology: Topology; readonly text: string; readonly file: string },
  id: string,
  additions: readonly Addition[],
  histogram: Histogram,
): Expansion {
  const keyspace = expandable(source.topology, id);
  const taken = new Set(keyspace.shards.map((shard) => shard.id));
  for (const { shard } of additions) {
    if (taken.has(shard)) {
      throw new OpsError(
        "expand/shard-exists",
        EXIT.refused,
        `Keyspace ${id} would have two shards ${shard}`,
        {
          hint: "Give each new shard a name of its own.",
        },
      );
    }
    taken.add(shard);
  }
  const added = additions.map((addition) => addition.shard);
  const { shards, splits } = halve(keyspace.shards, histogram, added);
  const segments = new Map(shards.map((shard) => [shard.id, shard.segments]));
  const shrunk = [...new Set(splits.map((split) => split.from))].filter(
    (shard) => !added.includes(shard),
  );
  const halved = shrunk.reduce(
    (text, shard) => setSegments(text, id, shard, segments.get(shard)!),
    source.text,
  );
  const text = additions.reduce(
    (edited, { shard, primary, replicas }) =>
      addShard(edited, { keyspace: id, shard, segments: segments.get(shard)!, primary, replicas }),
    halved,
  );
  parseTopology(text, source.file);
  return { text, splits };
}

/** The keyspace, when it can be expanded: asked before any agent is. Throws as `expandTopology` does. */
export function expandable(topology: Topology, id: string): Keyspace {
  const keyspace = topology.keyspaces.find((candidate) => candidate.id === id);
  if (!keyspace) {
    const known = topology.keyspaces.map((candidate) => candidate.id).join(", ");
    throw new OpsError(
      "expand/unknown-keyspace",
      EXIT.refused,
      `The topology has no keyspace ${id}`,
      {
        hint: known === "" ? "It has none at all." : `It has: ${known}.`,
      },
    );
  }
  if (keyspace.sharding !== "range") {
    throw new OpsError(
      "plan/unsupported",
      EXIT.refused,
      `Keyspace ${id} is sharded by ${keyspace.sharding}: expanding it is not supported yet`,
      {
        hint: "Range-sharded keyspaces can be expanded.",
      },
    );
  }
  return keyspace;
}
