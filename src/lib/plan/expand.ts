import { EXIT, OpsError } from "../errors.js";
import { subtract, union } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import { addShards, setSegments } from "../topology/edit.js";
import { parseTopology } from "../topology/parse.js";
import type { Keyspace, Topology } from "../topology/types.js";
import { readPercent } from "../topology/units.js";
import type { Measured } from "./expand/field.js";
import { capacityOf, unknownNode } from "./expand/capacity.js";
import { solve, type Solution } from "./expand/solve.js";

/** A shard to add, as `SHARD=NODE[,REPLICA...]` names it. */
export interface Addition {
  readonly shard: string;
  readonly primary: string;
  readonly replicas: readonly string[];
}

/** What the primaries of a keyspace said. */
export interface LiveLoad {
  readonly measured: readonly Measured[];
  /** Nodes whose agents do not count accesses. */
  readonly uncounted: readonly string[];
  /** The shortest time for which an agent has counted; infinite for none. */
  readonly countedSeconds: number;
}

/** How far above the optimum a choice may be, shares from 0 on. */
export interface Tolerances {
  readonly tolerance: number;
  readonly bytesTolerance: number;
}

/** What the load of a shard was taken from. */
export type Basis =
  | { readonly kind: "load"; readonly countedSeconds: number }
  | { readonly kind: "bytes"; readonly uncounted: readonly string[] }
  | { readonly kind: "positions" };

export interface Expansion extends Solution {
  /** The topology's text with the new shards; valid, comments and order kept. */
  readonly text: string;
  readonly basis: Basis;
  /** Nodes that are the primary of several shards of the keyspace: each shard was weighed against all of the node. */
  readonly shared: readonly string[];
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

/** Reads a percentage as a share. Throws OpsError `expand/bad-tolerance` (exit 64). */
export function parseTolerance(flag: string, text: string): number {
  const reading = readPercent(text);
  if (reading.ok) return reading.value / 100;
  throw new OpsError("expand/bad-tolerance", EXIT.usage, `${flag}: ${reading.problem}`, {
    hint: reading.hint,
  });
}

/**
 * Gives new shards the pieces of the standing ones that level the load with the fewest bytes (docs/planning.md). `file` is only
 * named in problems. Throws OpsError, exit 3: as `expandable`, `expand/unknown-node`, `expand/no-gain`, and `invalid-topology` when
 * the result breaks a rule.
 */
export function expandTopology(
  source: { readonly topology: Topology; readonly text: string; readonly file: string },
  id: string,
  additions: readonly Addition[],
  load: LiveLoad,
  tolerances: Tolerances,
): Expansion {
  const keyspace = expandable(source.topology, id, additions);
  const { measured, basis } = usable(keyspace, load);
  const capacity = capacityOf(source.topology);
  const solution = solve({
    standing: keyspace.shards.map((shard) => ({ ...shard, capacity: capacity(shard) })),
    added: additions.map((addition) => ({ id: addition.shard, capacity: capacity(addition) })),
    measured,
    ...tolerances,
  });
  const taken = (of: "from" | "to", shard: string): Segment[] =>
    solution.moves.filter((move) => move[of] === shard).flatMap(({ segments }) => segments);
  const left = keyspace.shards.flatMap(({ id: shard, segments }): [string, Segment[]][] => {
    const gone = taken("from", shard);
    return gone.length === 0 ? [] : [[shard, subtract(segments, gone)]];
  });
  const shards = additions.map((addition) => ({
    ...addition,
    segments: union(taken("to", addition.shard)),
  }));
  const text = addShards(setSegments(source.text, id, new Map(left)), id, shards);
  parseTopology(text, source.file);
  const primaries = [...keyspace.shards, ...additions].map(({ primary }) => primary);
  const shared = primaries.filter((node, i) => primaries.indexOf(node) !== i);
  return { ...solution, text, basis, shared: [...new Set(shared)].toSorted() };
}

/** Accesses count only when every primary counts them; where nothing is stored or used, every position weighs the same. */
function usable(
  { shards }: Keyspace,
  { measured, uncounted, countedSeconds }: LiveLoad,
): { measured: readonly Measured[]; basis: Basis } {
  const some = (of: "bytes" | "ops" | "traffic"): boolean =>
    measured.some((one) => one[of].some((value) => value > 0));
  const used = some("ops") || some("traffic");
  if (used && uncounted.length === 0) return { measured, basis: { kind: "load", countedSeconds } };
  if (some("bytes")) {
    const none = ({ bytes }: Measured) => new Float64Array(bytes.length);
    const bytes = measured.map((one) => ({ ...one, ops: none(one), traffic: none(one) }));
    return { measured: bytes, basis: { kind: "bytes", uncounted } };
  }
  const even = shards.flatMap(({ segments }) =>
    segments.map(({ lo, hi }) => ({
      lo,
      hi,
      bytes: Float64Array.of(Number(hi - lo)),
      ops: new Float64Array(1),
      traffic: new Float64Array(1),
    })),
  );
  return { measured: even, basis: { kind: "positions" } };
}

/**
 * The keyspace, when these shards can be added: asked before any agent is. Throws OpsError (exit 3) `expand/unknown-keyspace`,
 * `plan/unsupported`, `expand/shard-exists`.
 */
export function expandable(
  topology: Topology,
  id: string,
  additions: readonly Addition[],
): Keyspace {
  const keyspace = topology.keyspaces.find((candidate) => candidate.id === id);
  if (!keyspace) {
    const known = topology.keyspaces.map((candidate) => candidate.id).join(", ");
    throw new OpsError(
      "expand/unknown-keyspace",
      EXIT.usage,
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
  const nodes = new Set(topology.nodes.map((node) => node.id));
  for (const { primary, replicas } of additions)
    for (const node of [primary, ...replicas]) if (!nodes.has(node)) unknownNode(node);
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
  return keyspace;
}
