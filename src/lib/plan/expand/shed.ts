import { fewest } from "./cells.js";
import { type Donor, isAll, isFew, type Shed, shedOf } from "./donor.js";
import type { Stretch } from "./field.js";
import { fewRuns } from "./runs.js";
import { MEMORY } from "./vector.js";
import { covers, endWindow, innerWindow, type Side } from "./window.js";

/** One end of a stretch, that by itself is enough. */
export interface End extends Shed {
  readonly stretch: Stretch;
  readonly side: Side;
}

/** The ends of which one is enough, and moves no more bytes than it may. */
export function endsOf(donor: Donor): End[] {
  const { field, need } = donor;
  return field.stretches.flatMap((stretch) =>
    (["hi", "lo"] as const).flatMap((side): End[] => {
      const piece = endWindow(field, stretch, side, need);
      if (piece === null || isAll(field, [piece])) return [];
      const end = shedOf(field, [piece]);
      return isFew(donor, end) ? [{ ...end, stretch, side }] : [];
    }),
  );
}

/** A whole stretch, which needs no cut, the one of the fewest bytes; null when none fits. */
export function wholeOf(donor: Donor): Shed | null {
  const { field, need } = donor;
  if (field.stretches.length < 2) return null;
  const few = field.stretches
    .map((stretch) => shedOf(field, [{ lo: stretch.lo, hi: stretch.hi }]))
    .filter((whole) => covers(whole.demand, need) && isFew(donor, whole));
  return fewestBytes(few);
}

/** When no end will do: one inner window, else few runs, else as few bytes as can be. Null when the shard cannot come down. */
export function innerOf(donor: Donor): Shed | null {
  const { field, need } = donor;
  const windows = field.stretches.flatMap((stretch) => {
    const window = innerWindow(field, stretch, need);
    return window === null || isAll(field, [window]) ? [] : [shedOf(field, [window])];
  });
  const window = fewestBytes(windows.filter((one) => isFew(donor, one)));
  if (window !== null) return window;
  const exact = fewest(donor);
  if (exact === null || exact.pieces.length < 3 || donor.mostBytes === donor.leastBytes)
    return exact;
  return fewRuns(donor, exact) ?? exact;
}

function fewestBytes(all: readonly Shed[]): Shed | null {
  return all.reduce<Shed | null>(
    (best, one) => (best === null || one.demand[MEMORY] < best.demand[MEMORY] ? one : best),
    null,
  );
}
