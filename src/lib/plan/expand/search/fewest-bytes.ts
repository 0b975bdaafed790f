import { assign, type Effort } from "../assign.js";
import { fits, loadOf, sum, type Vector } from "../vector.js";
import type { Choice, Unit } from "./choices.js";

/** One choice for each shard, and the new shard of each moved unit. */
export interface Way {
  readonly choices: readonly Choice[];
  readonly units: readonly Unit[];
  readonly bins: readonly number[];
}

interface Combination {
  readonly picks: readonly number[];
  readonly bytes: number;
  /** Of the room of the new shards: among equal bytes what fits sooner comes first. */
  readonly load: number;
  /** Later ones differ from it from this shard on. */
  readonly from: number;
}

/** Of one combination, in units of an assignment. */
const COST = 20;

/**
 * The combination of choices, which come in the order of `choicesOf`, of the fewest bytes that fits into the new shards, each of
 * which gets something; null for none.
 */
export function fewestBytes(
  choices: readonly (readonly Choice[])[],
  rooms: readonly Vector[],
  effort: Effort,
): Way | null {
  const all = sum(rooms);
  if (choices.some((of) => of.length === 0) || !fits(sum(choices.map(leastOf)), all)) return null;
  const heap: Combination[] = [];
  const failed = new Set<string>();
  const add = (picks: readonly number[], from: number): void => {
    const picked = picks.map((pick, shard) => choices[shard]![pick]!);
    const total = (of: "bytes" | "load"): number => picked.reduce((a, one) => a + one[of], 0);
    push(heap, { picks, bytes: total("bytes"), load: total("load"), from });
  };
  add(
    choices.map(() => 0),
    0,
  );
  for (let next = pop(heap); next !== null && effort.left > 0; next = pop(heap)) {
    effort.left -= COST;
    const picked = next.picks.map((pick, shard) => choices[shard]![pick]!);
    const likeness = picked.map((choice) => choice.likeness).join("|");
    if (!failed.has(likeness) && fits(sum(picked.map(({ demand }) => demand)), all)) {
      const way = packed(picked, rooms, all, effort);
      if (way !== null) return way;
      failed.add(likeness);
    }
    // Each combination is reached once: from the one before it in the last shard in which it is not the first.
    for (let shard = next.from; shard < choices.length; shard += 1) {
      const picks = next.picks.with(shard, next.picks[shard]! + 1);
      if (picks[shard]! < choices[shard]!.length) add(picks, shard);
    }
  }
  return null;
}

/** Of each resource what moves at least. */
function leastOf(choices: readonly Choice[]): Vector {
  return choices.reduce<Vector>(
    ([memory, ops, network], { demand }) => [
      Math.min(memory, demand[0]),
      Math.min(ops, demand[1]),
      Math.min(network, demand[2]),
    ],
    [Infinity, Infinity, Infinity],
  );
}

function packed(
  choices: readonly Choice[],
  rooms: readonly Vector[],
  all: Vector,
  effort: Effort,
): Way | null {
  const units = choices
    .flatMap(({ moved }) => moved)
    .toSorted((a, b) => loadOf(b.demand, all) - loadOf(a.demand, all));
  const bins = [...rooms.keys()];
  const items = units.map(({ demand }) => ({ demand, bins }));
  const chosen = assign(items, rooms, effort);
  return chosen === null ? null : { choices, units, bins: chosen };
}

function before(a: Combination, b: Combination): boolean {
  return a.bytes < b.bytes || (a.bytes === b.bytes && a.load < b.load);
}

function push(heap: Combination[], one: Combination): void {
  let at = heap.push(one) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(one, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = one;
}

function pop(heap: Combination[]): Combination | null {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined) return null;
  if (heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
    if (!before(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return first;
}
