import type { Proof } from "./bound.js";
import { type Lp, LpBuilder } from "./lp.js";
import type { Cap, Shape } from "./shape.js";

/** An LP over where the users of each group are, and what its columns and rows stand for. */
export interface Model {
  readonly lp: Lp;
  /** Users of a group at a site, or (site null) without a place. */
  readonly places: readonly Place[];
  /** The columns of what is over a soft limit, by cap; null where there is none. */
  readonly over: readonly (number | null)[];
  /** The rows of the caps. */
  readonly caps: readonly number[];
  readonly moves: number | null;
  /** The column of the time that the arrivals take; null where it was not asked for. */
  readonly finish: number | null;
}

interface Place {
  readonly group: number;
  readonly site: number | null;
}

/** Columns of places come first, then those of what is over, then the time. */
export function modelOf(shape: Shape, withFinish: boolean): Model {
  const { sites, groups, moves } = shape;
  const lp = new LpBuilder();
  const supplies = groups.map(({ users }) => lp.row(users, users));
  const caps = shape.caps.map(({ soft, isFull }) => lp.row(isFull ? soft : -Infinity, soft));
  const movesRow = moves ? lp.row(moves.isFull ? moves.most : -Infinity, moves.most) : null;
  const limited = sites.map(({ loginsPerSecond }) => withFinish && loginsPerSecond < Infinity);
  const arrivals = sites.map((_, i) => (limited[i] ? lp.row(-Infinity, 0) : null));
  const capsAt = capFinder(shape.caps, sites.length);

  const places: Place[] = [];
  for (const [group, { carrier, home, open, mayWait, users }] of groups.entries()) {
    for (const site of open) {
      lp.put(supplies[group]!, 1);
      for (const cap of capsAt(carrier, site)) lp.put(caps[cap]!, 1);
      if (site !== home) {
        if (movesRow !== null && home !== null) lp.put(movesRow, 1);
        const arrival = arrivals[site]!;
        if (arrival !== null) lp.put(arrival, 1);
      }
      lp.column(0, Infinity, users);
      places.push({ group, site });
    }
    if (mayWait) {
      lp.put(supplies[group]!, 1);
      lp.column(0, Infinity, users);
      places.push({ group, site: null });
    }
  }
  const over = shape.caps.map(({ overLeast, overMost }, i) => {
    if (overMost <= 0) return null;
    lp.put(caps[i]!, -1);
    return lp.column(overLeast, overMost, overMost);
  });
  let finish: number | null = null;
  if (withFinish) {
    for (const [i, row] of arrivals.entries()) {
      if (row !== null) lp.put(row, -sites[i]!.loginsPerSecond / shape.part);
    }
    finish = lp.column(0, Infinity, Infinity);
  }
  return { lp: lp.build(), places, over, caps, moves: movesRow, finish };
}

/** The caps that count users of a carrier at a site. */
function capFinder(
  caps: readonly Cap[],
  sites: number,
): (carrier: string, site: number) => readonly number[] {
  const known = new Map<string, readonly number[][]>();
  return (carrier, site) => {
    let bySite = known.get(carrier);
    if (!bySite) {
      const lists = Array.from({ length: sites }, (): number[] => []);
      for (const [i, cap] of caps.entries()) {
        if (cap.limit.carrier !== null && cap.limit.carrier !== carrier) continue;
        for (const at of cap.sites) lists[at]!.push(i);
      }
      bySite = lists;
      known.set(carrier, lists);
    }
    return bySite[site]!;
  };
}

/**
 * What is left to decide once a level is at its best: by complementary slackness, exactly the solutions in which each column that costs
 * more than the prices pay stays at its end of the range, and each row that has a price is full, are as good.
 */
export function narrowed(shape: Shape, model: Model, proof: Proof, tolerance: number): Shape {
  const { reduced, prices } = proof;
  const isFree = (col: number) => Math.abs(reduced[col]!) <= tolerance;
  const hasPrice = (row: number) => Math.abs(prices[row]!) > tolerance;
  const open: number[][] = shape.groups.map(() => []);
  const mayWait = shape.groups.map(() => false);
  for (const [col, { group, site }] of model.places.entries()) {
    if (!isFree(col)) continue;
    if (site === null) mayWait[group] = true;
    else open[group]!.push(site);
  }
  return {
    ...shape,
    groups: shape.groups.map((group, i) => ({
      ...group,
      open: open[i]!,
      mayWait: mayWait[i]!,
    })),
    caps: shape.caps.map((cap, i) => {
      const isFull = cap.isFull || hasPrice(model.caps[i]!);
      const col = model.over[i] ?? null;
      if (col === null || isFree(col)) return { ...cap, isFull };
      const over = reduced[col]! > 0 ? cap.overLeast : cap.overMost;
      return { ...cap, isFull, overLeast: over, overMost: over };
    }),
    moves: shape.moves && {
      ...shape.moves,
      isFull: shape.moves.isFull || hasPrice(model.moves!),
    },
  };
}
