import { EXIT, OpsError } from "../errors.js";
import { swapPrimaries } from "../topology/edit.js";
import { parseTopology } from "../topology/parse.js";
import type { Keyspace, Node, Shard, Topology } from "../topology/types.js";
import { compareText } from "./order.js";

/** Where no primary is to be any more. `shard`: of this shard, where it is now. */
export type Leaving =
  | { readonly kind: "shard"; readonly keyspace: string; readonly shard: string }
  | { readonly kind: "node" | "idc" | "region"; readonly id: string };

export interface NewHome {
  readonly keyspace: string;
  readonly shard: string;
  readonly from: string;
  readonly to: string;
}

export interface Failover {
  /** The topology's text with the other primaries; valid, comments and order kept. */
  readonly text: string;
  readonly moves: readonly NewHome[];
}

/** What one of the options names; exactly one is given. Throws OpsError `failover/bad-shard` (exit 64). */
export function leavingOf(options: {
  readonly shard?: string | undefined;
  readonly node?: string | undefined;
  readonly idc?: string | undefined;
  readonly region?: string | undefined;
}): Leaving {
  if (options.shard !== undefined) return parseShard(options.shard);
  for (const kind of ["node", "idc", "region"] as const) {
    const id = options[kind];
    if (id !== undefined) return { kind, id };
  }
  throw new RangeError("nothing is named that primaries are to leave");
}

function parseShard(text: string): Leaving {
  const [keyspace = "", shard = "", ...rest] = text.split("/");
  if (keyspace !== "" && shard !== "" && rest.length === 0)
    return { kind: "shard", keyspace, shard };
  throw new OpsError(
    "failover/bad-shard",
    EXIT.usage,
    `--shard ${text}: expected KEYSPACE/SHARD, for example profile/p0`,
  );
}

/**
 * Makes a replica elsewhere the primary of every shard whose primary is at what is left; the old primary becomes a replica, so no
 * data is copied. The farthest one: another region, else another idc, else another set; among those the one on the node with the
 * least to do for its capacity. `to`: only replicas in these regions or on these nodes. Throws OpsError `failover/unknown`,
 * `failover/no-replica` (exit 3).
 */
export function failOver(
  source: { readonly topology: Topology; readonly text: string; readonly file: string },
  leaving: Leaving,
  to: readonly string[],
): Failover {
  const { topology, text, file } = source;
  const nodes = new Map(topology.nodes.map((node) => [node.id, node]));
  assertKnown(topology, leaving, to);
  const held = topology.keyspaces.flatMap((keyspace) =>
    keyspace.shards.map((shard) => ({ keyspace, shard, weight: weightOf(keyspace, shard) })),
  );
  const left = held.filter(({ keyspace, shard }) =>
    leaving.kind === "shard"
      ? keyspace.id === leaving.keyspace && shard.id === leaving.shard
      : isAt(nodes.get(shard.primary)!, leaving),
  );
  const load = new Map<string, number>();
  const add = (node: string, weight: number) =>
    load.set(node, (load.get(node) ?? 0) + weight / (nodes.get(node)?.capacity.opsPerSecond ?? 1));
  for (const one of held) if (!left.includes(one)) add(one.shard.primary, one.weight);

  const stuck: string[] = [];
  const moves: NewHome[] = [];
  // The heaviest first: the light ones then even it out.
  for (const { keyspace, shard, weight } of left.toSorted((a, b) => b.weight - a.weight)) {
    const from = nodes.get(shard.primary)!;
    const candidates = shard.replicas
      .map((id) => nodes.get(id)!)
      .filter((node) => leaving.kind === "shard" || !isAt(node, leaving))
      .filter(({ id, region }) => to.length === 0 || to.includes(id) || to.includes(region));
    const [best] = candidates.toSorted(
      (a, b) =>
        nearness(a, from) - nearness(b, from) ||
        (load.get(a.id) ?? 0) - (load.get(b.id) ?? 0) ||
        compareText(a.id, b.id),
    );
    if (best === undefined) {
      stuck.push(`${keyspace.id}/${shard.id} on ${shard.primary}, ${replicasText(shard)}`);
      continue;
    }
    add(best.id, weight);
    moves.push({ keyspace: keyspace.id, shard: shard.id, from: from.id, to: best.id });
  }
  if (stuck.length > 0) throw noReplica(stuck, to);
  moves.sort((a, b) => compareText(a.keyspace, b.keyspace) || compareText(a.shard, b.shard));
  const edited = swapPrimaries(
    text,
    moves.map(({ keyspace, shard, to: primary }) => ({ keyspace, shard, primary })),
  );
  parseTopology(edited, file);
  return { text: edited, moves };
}

function isAt(node: Node, leaving: Exclude<Leaving, { readonly kind: "shard" }>): boolean {
  const place = { node: node.id, idc: node.idc, region: node.region };
  return place[leaving.kind] === leaving.id;
}

/** 0 for another region, rising the more the two share. */
function nearness(a: Node, b: Node): number {
  if (a.region !== b.region) return 0;
  if (a.idc !== b.idc) return 1;
  return a.set !== b.set ? 2 : 3;
}

/** The part of its keyspace that a shard owns, 0..1. */
function weightOf({ domain }: Keyspace, { segments }: Shard): number {
  const width = segments.reduce((sum, { lo, hi }) => sum + (hi - lo), 0n);
  return Number((width * 1_000_000n) / (domain.hi - domain.lo)) / 1e6;
}

function replicasText({ replicas }: Shard): string {
  return replicas.length === 0 ? "no replica" : `replicas only on ${replicas.join(", ")}`;
}

function noReplica(stuck: readonly string[], to: readonly string[]): OpsError {
  const where = to.length === 0 ? "elsewhere" : `in or on ${to.join(", ")}`;
  const list = stuck.map((line) => `\n  ${line}`).join("");
  return new OpsError(
    "failover/no-replica",
    EXIT.refused,
    `These shards have no replica ${where} that could be primary; nothing was written:${list}`,
    {
      hint: "Add replicas there and apply that first, or fail over the other shards one by one (--shard).",
      details: stuck,
    },
  );
}

function assertKnown(topology: Topology, leaving: Leaving, to: readonly string[]): void {
  const data = topology.nodes.filter(({ layer }) => layer === "data").map(({ id }) => id);
  const regions = topology.regions.map(({ id }) => id);
  if (leaving.kind === "shard") {
    const shards = topology.keyspaces.flatMap(({ id, shards: of }) =>
      of.map((shard) => `${id}/${shard.id}`),
    );
    mustHave("shard", `${leaving.keyspace}/${leaving.shard}`, shards);
  } else {
    const known = { node: data, idc: topology.idcs.map(({ id }) => id), region: regions };
    mustHave(leaving.kind, leaving.id, known[leaving.kind]);
  }
  for (const name of to) mustHave("region or data node", name, [...regions, ...data]);
}

function mustHave(what: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const shown = known.slice(0, 10).join(", ");
  throw new OpsError("failover/unknown", EXIT.refused, `The topology has no ${what} ${name}`, {
    hint:
      known.length === 0
        ? "It has none at all."
        : `It has: ${shown}${known.length > 10 ? ", ..." : ""}.`,
  });
}
