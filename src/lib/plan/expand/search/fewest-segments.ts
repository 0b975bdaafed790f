import { compare } from "../../../keyspace/map.js";
import type { Effort } from "../assign.js";
import { fits, minus, same, type Vector } from "../vector.js";
import type { Choice, Unit } from "./choices.js";
import type { Way } from "./fewest-bytes.js";

/** Of all ways that move at most so many bytes, one of the fewest segments: at least `least`, at most `most` are tried. */
export function fewestSegments(
  choices: readonly (readonly Choice[])[],
  rooms: readonly Vector[],
  bytes: number,
  { least, most }: { readonly least: number; readonly most: number },
  effort: Effort,
): Way | null {
  const sorted = choices.map((of) => of.toSorted((a, b) => a.segments - b.segments));
  const restOf = (value: (choice: Choice) => number): number[] => {
    const rest = [0];
    for (const of of sorted.toReversed())
      rest.unshift(rest[0]! + Math.min(...of.map((choice) => value(choice))));
    return rest;
  };
  const restBytes = restOf((choice) => choice.bytes);
  const restSegments = restOf((choice) => choice.segments);
  const restKept = restOf((choice) => choice.kept);

  const search = (picked: readonly Choice[], budget: number): Way | null => {
    const shard = picked.length;
    if (shard === sorted.length) return placed(picked, rooms, budget, effort);
    const total = (value: (choice: Choice) => number): number =>
      picked.reduce((all, choice) => all + value(choice), 0);
    const [usedBytes, usedSegments] = [total((one) => one.bytes), total((one) => one.segments)];
    const usedKept = total((one) => one.kept);
    for (const choice of sorted[shard]!) {
      if (effort.left <= 0) return null;
      effort.left -= 1;
      if (usedSegments + choice.segments + restSegments[shard + 1]! > budget) break;
      if (usedBytes + choice.bytes + restBytes[shard + 1]! > bytes) continue;
      if (usedKept + choice.kept + restKept[shard + 1]! + rooms.length > budget) continue;
      const found = search([...picked, choice], budget);
      if (found !== null) return found;
    }
    return null;
  };
  for (let budget = least; budget <= most; budget += 1) {
    const found = search([], budget);
    if (found !== null || effort.left <= 0) return found;
  }
  return null;
}

/** The moved units put into the new shards in at most so many segments, those that stay included. */
function placed(
  choices: readonly Choice[],
  rooms: readonly Vector[],
  budget: number,
  effort: Effort,
): Way | null {
  const kept = choices.reduce((count, choice) => count + choice.kept, 0);
  const units = choices
    .flatMap(({ moved }) => moved)
    .toSorted((a, b) => compare(a.position, b.position));
  const left = [...rooms];
  const counts = rooms.map(() => 0);
  const bins: number[] = [];
  /** The one that needs no new segment first; of empty ones alike, one. */
  const order = (last: number): number[] =>
    [...rooms.keys()]
      .filter(
        (bin) =>
          counts[bin]! > 0 ||
          !rooms.some(
            (room, other) => other < bin && counts[other] === 0 && same(room, rooms[bin]!),
          ),
      )
      .toSorted((a, b) => Number(b === last) - Number(a === last));
  const place = (index: number, segments: number, empty: number): boolean => {
    if (segments + empty > budget || effort.left <= 0) return false;
    const unit: Unit | undefined = units[index];
    if (unit === undefined) return empty === 0;
    effort.left -= 1;
    const before = units[index - 1];
    const joins = before !== undefined && before.position + 1n === unit.position;
    const last = joins ? bins[index - 1]! : -1;
    for (const bin of order(last)) {
      if (!fits(unit.demand, left[bin]!)) continue;
      const room = left[bin]!;
      left[bin] = minus(room, unit.demand);
      counts[bin]! += 1;
      bins[index] = bin;
      const more = bin === last ? 0 : 1;
      if (place(index + 1, segments + more, counts[bin] === 1 ? empty - 1 : empty)) return true;
      counts[bin]! -= 1;
      left[bin] = room;
    }
    return false;
  };
  return place(0, kept, rooms.length) ? { choices, units, bins } : null;
}
