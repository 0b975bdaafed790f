import { hashText } from "./hash.js";
import { compare, normalise, type Piece } from "./map.js";
import { POSITION_END, type Position, type Segment } from "./segment.js";

/**
 * The segments that each shard owns on the consistent-hash ring, sorted and joined; together they cover [0, 2^64) exactly.
 * A shard has `virtualNodes` tokens, the hashes of `shard#0`, `shard#1`...; a token owns the positions from itself up to the
 * next one, the last token also those before the first. Depends on the names only, not on their order. A token that two shards
 * share goes to the name that sorts first. Throws RangeError without shards, with a name given twice, or with a
 * `virtualNodes` that is no positive integer.
 */
export function ringSegments(
  shards: readonly string[],
  virtualNodes: number,
): ReadonlyMap<string, Segment[]> {
  if (shards.length === 0) throw new RangeError("a ring needs at least one shard");
  if (new Set(shards).size !== shards.length) throw new RangeError("a shard is on the ring twice");
  if (!Number.isSafeInteger(virtualNodes) || virtualNodes < 1) {
    throw new RangeError(`${virtualNodes} virtual nodes: expected a positive integer`);
  }
  const owners = new Map<Position, string>();
  for (const shard of shards.toSorted()) {
    for (let i = 0; i < virtualNodes; i += 1) {
      const token = hashText(`${shard}#${i}`);
      if (!owners.has(token)) owners.set(token, shard);
    }
  }
  const tokens = [...owners.keys()].toSorted(compare);
  const last = owners.get(tokens.at(-1)!)!;
  const pieces: Piece<string>[] = tokens.map((lo, i) => ({
    lo,
    hi: tokens[i + 1] ?? POSITION_END,
    value: owners.get(lo)!,
  }));
  const first = tokens[0]!;
  if (first > 0n) pieces.push({ lo: 0n, hi: first, value: last });

  const segments = new Map<string, Segment[]>(shards.map((shard) => [shard, []]));
  for (const { lo, hi, value } of normalise(pieces)) segments.get(value)!.push({ lo, hi });
  return segments;
}
