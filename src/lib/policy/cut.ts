import { gaps, normalise, type Piece, type SegmentMap } from "../keyspace/map.js";
import { POSITION_END, type Segment } from "../keyspace/segment.js";

const ALL: Segment = { lo: 0n, hi: POSITION_END };

/**
 * The map re-cut so that every site has its fraction (0..1, together 1) of the hashes, within one hash. What moves goes from a site
 * that has too much to one that has too little, so it is exactly the minimum, in few pieces. Throws RangeError for fractions that
 * are negative or not together 1 within 1e-6.
 */
export function cut(
  before: SegmentMap<string>,
  fractions: ReadonlyMap<string, number>,
): Piece<string>[] {
  const targets = targetsOf(fractions);
  const kept: Piece<string>[] = [];
  const free: Segment[] = gaps(before, ALL);
  for (const [site, pieces] of bySite(before)) {
    const surplus = sizeOf(pieces) - (targets.get(site) ?? 0n);
    const given = give(pieces, surplus > 0n ? surplus : 0n);
    kept.push(...given.kept);
    free.push(...given.free);
  }
  const needs = new Map(targets);
  for (const { lo, hi, value } of kept) needs.set(value, needs.get(value)! - (hi - lo));
  return normalise([...kept, ...deal(free, needs, kept)]);
}

/** Parts of all hashes, whole numbers that add up: what is lost by rounding goes to those who lost most of it. */
function targetsOf(fractions: ReadonlyMap<string, number>): Map<string, bigint> {
  const sum = [...fractions.values()].reduce((all, one) => all + one, 0);
  if ([...fractions.values()].some((one) => !(one >= 0)) || Math.abs(sum - 1) > 1e-6)
    throw new RangeError(`fractions are not negative and together 1, these are ${sum}`);
  const scale = 2 ** 53;
  const parts = [...fractions].map(
    ([site, one]) => [site, BigInt(Math.round((one / sum) * scale))] as const,
  );
  const whole = parts.reduce((all, [, part]) => all + part, 0n);
  const targets = new Map(parts.map(([site, part]) => [site, (part * POSITION_END) / whole]));
  let left = POSITION_END - [...targets.values()].reduce((all, one) => all + one, 0n);
  const rests = parts
    .filter(([, part]) => part > 0n)
    .map(([site, part]) => ({ site, rest: (part * POSITION_END) % whole }))
    .toSorted((a, b) => (a.rest > b.rest ? -1 : a.rest < b.rest ? 1 : a.site < b.site ? -1 : 1));
  for (const { site } of rests) {
    if (left === 0n) break;
    targets.set(site, targets.get(site)! + 1n);
    left -= 1n;
  }
  return targets;
}

function bySite(map: SegmentMap<string>): Map<string, Piece<string>[]> {
  const sites = new Map<string, Piece<string>[]>();
  for (const piece of map) {
    const known = sites.get(piece.value);
    if (known === undefined) sites.set(piece.value, [piece]);
    else known.push(piece);
  }
  return sites;
}

/** Gives `surplus` away: the smallest pieces first, so that crumbs of earlier cuts go. */
function give(pieces: readonly Piece<string>[], surplus: bigint) {
  const kept: Piece<string>[] = [];
  const free: Segment[] = [];
  let left = surplus;
  for (const piece of pieces.toSorted(bySize)) {
    const { lo, hi, value } = piece;
    const size = hi - lo;
    const taken = size < left ? size : left;
    left -= taken;
    if (taken > 0n) free.push({ lo: hi - taken, hi });
    if (taken < size) kept.push({ lo, hi: hi - taken, value });
  }
  return { kept, free };
}

/** Deals the free segments out: whole to a neighbour where one needs them, else the largest to who needs most. */
function deal(
  free: readonly Segment[],
  needs: Map<string, bigint>,
  kept: readonly Piece<string>[],
): Piece<string>[] {
  const dealt: Piece<string>[] = [];
  const give = (segment: Segment, site: string) => {
    dealt.push({ ...segment, value: site });
    needs.set(site, needs.get(site)! - (segment.hi - segment.lo));
  };
  const ends = new Map(kept.map(({ hi, value }) => [hi, value]));
  const starts = new Map(kept.map(({ lo, value }) => [lo, value]));
  const rest: Segment[] = [];
  for (const segment of free.toSorted((a, b) => -bySize(a, b))) {
    const size = segment.hi - segment.lo;
    const neighbour = [ends.get(segment.lo), starts.get(segment.hi)].find(
      (site) => site !== undefined && needs.get(site)! >= size,
    );
    if (neighbour === undefined) rest.push(segment);
    else give(segment, neighbour);
  }
  for (const segment of rest) {
    let { lo } = segment;
    while (lo < segment.hi) {
      const [site, need] = neediest(needs);
      const hi = segment.hi - lo > need ? lo + need : segment.hi;
      give({ lo, hi }, site);
      lo = hi;
    }
  }
  return dealt;
}

function neediest(needs: ReadonlyMap<string, bigint>): readonly [string, bigint] {
  let most: readonly [string, bigint] = ["", 0n];
  for (const one of needs) if (one[1] > most[1]) most = one;
  return most;
}

function sizeOf(segments: readonly Segment[]): bigint {
  return segments.reduce((all, { lo, hi }) => all + (hi - lo), 0n);
}

function bySize(a: Segment, b: Segment): number {
  const more = a.hi - a.lo - (b.hi - b.lo);
  return more > 0n ? 1 : more < 0n ? -1 : a.lo < b.lo ? -1 : 1;
}
