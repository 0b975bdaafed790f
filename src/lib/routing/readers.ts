import { hashUid } from "../keyspace/hash.js";
import type { Reader, RouteNode, RouteSegment } from "./table.js";

/** Where a client says it is. */
export interface Place {
  readonly region: string;
  readonly set: string;
}

export type Nearness = "set" | "region" | "elsewhere";

const NEAREST_FIRST: readonly Nearness[] = ["set", "region", "elsewhere"];
const FULL_WEIGHT = 100;
/** The low half of the hash: within a segment of a hashed keyspace the high half is not uniform. */
const LOW_BITS = 0xffff_ffffn;

export function nearness(client: Place, node: Place): Nearness {
  if (node.set === client.set) return "set";
  return node.region === client.region ? "region" : "elsewhere";
}

/**
 * The node that a client's read of this user goes to: near copies first, always the same one for a user while the weights stay.
 * A nearness class whose weights sum up to 100 or more keeps all its reads; below that it keeps that percentage and the rest
 * goes on to the next class, so a copy promoted to 1 % gets 1 % even where it is the only near one. The writer when no reader
 * has a weight.
 */
export function chooseReader(
  segment: RouteSegment,
  client: Place,
  uid: bigint,
  nodes: Readonly<Record<string, RouteNode>>,
): string {
  const classes = byNearness(segment, client, nodes).filter((readers) => readers.length > 0);
  let draw = Number(hashUid(uid) & LOW_BITS) / 2 ** 32;
  for (const [i, readers] of classes.entries()) {
    const sum = weightOf(readers);
    const share = i === classes.length - 1 ? 1 : Math.min(1, sum / FULL_WEIGHT);
    if (draw < share) return pick(readers, (draw / share) * sum);
    draw = (draw - share) / (1 - share);
  }
  return segment.writer;
}

/** `chooseReader` first, then the other readers with a weight from near to far, the writer last. Never empty, no node twice. */
export function readerOrder(
  segment: RouteSegment,
  client: Place,
  uid: bigint,
  nodes: Readonly<Record<string, RouteNode>>,
): string[] {
  const rest = byNearness(segment, client, nodes).flatMap((readers) =>
    readers.toSorted((a, b) => b.weight - a.weight).map((reader) => reader.node),
  );
  return [...new Set([chooseReader(segment, client, uid, nodes), ...rest, segment.writer])];
}

function byNearness(
  segment: RouteSegment,
  client: Place,
  nodes: Readonly<Record<string, RouteNode>>,
): Reader[][] {
  const live = segment.readers.filter(
    (reader) => reader.weight > 0 && Object.hasOwn(nodes, reader.node),
  );
  return NEAREST_FIRST.map((near) =>
    live.filter((reader) => nearness(client, nodes[reader.node]!) === near),
  );
}

function weightOf(readers: readonly Reader[]): number {
  return readers.reduce((sum, reader) => sum + reader.weight, 0);
}

/** `at` lies in [0, sum of the weights). */
function pick(readers: readonly Reader[], at: number): string {
  let left = at;
  for (const reader of readers) {
    if (left < reader.weight) return reader.node;
    left -= reader.weight;
  }
  return readers.at(-1)!.node;
}
