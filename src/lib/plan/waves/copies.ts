import { direction, type Direction } from "../../topology/capacity/link-load.js";
import type { Node } from "../../topology/types.js";
import { shareLine } from "./rates.js";
import type { Risks } from "./risks.js";
import type { Share, Work } from "./work.js";

/** Copy rate of a link without a limit, bytes per second: what an embedded engine takes in on modest hardware. */
export const COPY_BYTES_PER_SECOND = 50e6;

/** A copy to be made. */
export interface Transfer {
  readonly node: string;
  readonly source: string;
  readonly bytes: bigint;
}

/** What copies go through. */
export interface Network {
  readonly nodes: ReadonlyMap<string, Node>;
  /** Bytes a second for all copies from one region to another; not there for no limit. */
  readonly lines: ReadonlyMap<Direction, number>;
  /** Bytes a second of one link; null for no limit. */
  readonly perLink: number | null;
}

export function copyWork<T extends Transfer>(
  copy: T,
  network: Network,
  risks: Risks,
): Work & { readonly copy: T } {
  const { node, source, bytes } = copy;
  const line = lineBetween(copy, network.nodes);
  const room = line === null ? undefined : network.lines.get(line);
  const shares = [
    ...cardShares(copy, network.nodes),
    ...(line === null || room === undefined ? [] : [{ of: line, seconds: Number(bytes) / room }]),
  ];
  const alone = Number(bytes) / copyRate(network.perLink, [node, source], network.nodes);
  const seconds = Math.max(alone, ...shares.map((share) => share.seconds));
  return { ends: [node, source], seconds, shares, risks, copy };
}

/** The network cards that a copy goes through; those that nothing is said of are not limits. */
export function cardShares(
  { node, source, bytes }: Transfer,
  nodes: ReadonlyMap<string, Node>,
): Share[] {
  const share = (end: string, way: string): Share[] => {
    const bits = nodes.get(end)?.capacity.networkBitsPerSecond ?? 0;
    return bits > 0 ? [{ of: `network ${way} ${end}`, seconds: Number(bytes) / (bits / 8) }] : [];
  };
  return [...share(source, "out of"), ...share(node, "into")];
}

/** The limit of each copy of a wave, bytes a second, null for none: together they keep to what the lines have for them. */
export function ratesOf(copies: readonly Transfer[], network: Network): (number | null)[] {
  const onLine = new Map<Direction, number[]>();
  for (const [i, copy] of copies.entries()) {
    const line = lineBetween(copy, network.nodes);
    if (line === null || !network.lines.has(line)) continue;
    const indexes = onLine.get(line);
    if (indexes) indexes.push(i);
    else onLine.set(line, [i]);
  }
  const rates = copies.map((): number | null => network.perLink);
  for (const [line, indexes] of onLine) {
    const shares = shareLine(
      indexes.map((i) => copies[i]!.bytes),
      network.lines.get(line)!,
    );
    for (const [n, i] of indexes.entries())
      rates[i] = Math.min(network.perLink ?? Infinity, shares[n]!);
  }
  return rates;
}

/** Bytes a second of a copy with this limit, between these nodes, by itself. */
export function copyRate(
  limit: number | null,
  ends: readonly string[],
  nodes: ReadonlyMap<string, Node>,
): number {
  const networks = ends.flatMap((end) => {
    const bits = nodes.get(end)?.capacity.networkBitsPerSecond ?? 0;
    return bits > 0 ? [bits / 8] : [];
  });
  return Math.min(limit ?? COPY_BYTES_PER_SECOND, COPY_BYTES_PER_SECOND, ...networks);
}

/** The line that a copy goes over; null within a region. */
export function lineBetween(
  { node, source }: Pick<Transfer, "node" | "source">,
  nodes: ReadonlyMap<string, { readonly region: string }>,
): Direction | null {
  const [from, to] = [nodes.get(source)?.region, nodes.get(node)?.region];
  return from === undefined || to === undefined || from === to ? null : direction(from, to);
}
