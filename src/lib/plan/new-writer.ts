import { compare, intersect, subtract, type Piece } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import type { Node, Topology } from "../topology/types.js";
import { copiesOf, desiredOwners, type Owner } from "./holdings.js";
import type { ObservedKeyspace } from "./observed.js";
import { compareText } from "./order.js";
import type { Stays } from "./region/types.js";

export interface Part {
  readonly piece: Piece<Owner>;
  /** Who holds it by the file. */
  readonly named: readonly string[];
}

/** A part that one shard of the file has may have to go elsewhere than its neighbour. */
export function cutAsNamed(topology: Topology, id: string, piece: Piece<Owner>): Part[] {
  const named = topology.keyspaces.find((keyspace) => keyspace.id === id);
  const wanted = named === undefined ? [] : desiredOwners(named);
  const parts = intersect([piece], wanted).map(({ lo, hi, value: [value, owner] }): Part => ({
    piece: { lo, hi, value },
    named: copiesOf(owner),
  }));
  const rest = subtract(
    [piece],
    parts.map((part) => part.piece),
  ).map(({ lo, hi }): Part => ({ piece: { lo, hi, value: piece.value }, named: [] }));
  return [...parts, ...rest].toSorted((a, b) => compare(a.piece.lo, b.piece.lo));
}

export interface Choosing {
  readonly topology: Topology;
  readonly named: readonly string[];
  /** What the nodes that were chosen got so far: shares of keyspaces, whose widths compare with nothing, against what they can do. */
  readonly load: Map<string, number>;
  readonly stays: Stays[];
}

/** The same copies; of those that may, a whole one that streams writes, the one with the least to do so far. */
export function newOwner(
  live: ObservedKeyspace,
  { lo, hi, value }: Piece<Owner>,
  wanted: readonly string[] | null,
  { topology, named, load, stays }: Choosing,
): Owner {
  if (wanted === null) return value;
  const nodes = new Map(topology.nodes.map((node) => [node.id, node]));
  const { primary } = value;
  const able = wanted.filter((node) => streams(live, node, { lo, hi }));
  const stay = (why: string) => {
    stays.push({ keyspace: live.id, segments: [{ lo, hi }], node: primary, why });
    return value;
  };
  if (isSilent(live, primary, { lo, hi })) return stay(`${primary} does not answer`);
  if (wanted.length === 0) return stay("there is no replica elsewhere");
  // One that an expansion is just making may be taken back with it.
  const rank = (node: string) => (named.includes(node) ? 0 : 1);
  const [best] = able.toSorted(
    (a, b) => rank(a) - rank(b) || (load.get(a) ?? 0) - (load.get(b) ?? 0) || compareText(a, b),
  );
  if (best === undefined) return stay(`no copy keeps up with ${primary}: ${wanted.join(", ")}`);
  const { domain } = live.routes!;
  const share = Number(hi - lo) / Number(domain.hi - domain.lo);
  load.set(best, (load.get(best) ?? 0) + share / opsOf(nodes.get(best)));
  const replicas = copiesOf(value).filter((node) => node !== best);
  return { ...value, primary: best, replicas: replicas.toSorted(compareText) };
}

function opsOf(node: Node | undefined): number {
  return node?.capacity.opsPerSecond ?? 1;
}

/** Whether all that the node holds of the segment is whole and keeps up. */
function streams({ entries }: ObservedKeyspace, node: string, { lo, hi }: Segment): boolean {
  const held = entries.filter(
    (entry) => entry.node === node && entry.segment.lo < hi && lo < entry.segment.hi,
  );
  return held.length > 0 && held.every(({ streaming }) => streaming);
}

/** Its entry is only what the routes say of it. */
function isSilent({ entries }: ObservedKeyspace, primary: string, { lo, hi }: Segment): boolean {
  return entries.some(
    ({ node, segment, streaming }) =>
      node === primary && segment.lo < hi && lo < segment.hi && !streaming,
  );
}
