import { fits, minus, NOTHING, plus, same, type Vector } from "./vector.js";

/** What must be put somewhere whole. */
export interface Item {
  readonly demand: Vector;
  /** Numbers of the bins that it may go to. */
  readonly bins: readonly number[];
}

/** How much may still be searched; counted down. */
export interface Effort {
  left: number;
}

/**
 * The bin of each item, so that everything fits and every bin gets something; null when there is no way. Searches all ways, so null
 * after `effort` came to 0 says nothing. Large items first make it fast.
 */
export function assign(
  items: readonly Item[],
  rooms: readonly Vector[],
  effort: Effort,
): number[] | null {
  const left = [...rooms];
  const counts = rooms.map(() => 0);
  const chosen: number[] = [];
  /** What the items from each one on need. */
  const rest: Vector[] = [NOTHING];
  for (const { demand } of items.toReversed()) rest.unshift(plus(rest[0]!, demand));

  const place = (index: number, empty: number): boolean => {
    const item = items[index];
    if (item === undefined) return empty === 0;
    if (empty > items.length - index || effort.left <= 0) return false;
    effort.left -= 1;
    const free = left.reduce(positive, NOTHING);
    if (!fits(rest[index]!, free)) return false;
    // Of items alike the later one goes to the same bin or to a later one.
    const previous = items[index - 1];
    const first = previous !== undefined && twins(previous, item) ? chosen[index - 1]! : 0;
    for (const bin of item.bins) {
      if (bin < first || !fits(item.demand, left[bin]!)) continue;
      if (item.bins.some((other) => other < bin && alike(other, bin))) continue;
      const before = left[bin]!;
      left[bin] = minus(before, item.demand);
      counts[bin]! += 1;
      chosen[index] = bin;
      if (place(index + 1, counts[bin] === 1 ? empty - 1 : empty)) return true;
      counts[bin]! -= 1;
      left[bin] = before;
    }
    return false;
  };
  /** Two empty bins of the same room, to which every item may go: one of them is enough to try. */
  const open = rooms.map((_, bin) => items.every(({ bins }) => bins.includes(bin)));
  const alike = (a: number, b: number): boolean =>
    open[a]! && open[b]! && counts[a] === 0 && counts[b] === 0 && same(rooms[a]!, rooms[b]!);

  return place(0, rooms.length) ? chosen : null;
}

function positive(all: Vector, room: Vector): Vector {
  return [
    all[0] + Math.max(0, room[0]),
    all[1] + Math.max(0, room[1]),
    all[2] + Math.max(0, room[2]),
  ];
}

function twins(a: Item, b: Item): boolean {
  return a.bins === b.bins && same(a.demand, b.demand);
}
