import type { DamagedRun } from "../run/damaged-run.js";
import { wrap } from "./wrap.js";

/** What is wrong with runs that do not say how they stand, and what to do. */
export function damagedText(
  damaged: readonly DamagedRun[],
  { width }: { readonly width: number },
): string {
  return damaged
    .flatMap(({ run, why, todo }) => [
      ...wrap(`${run}  damaged: ${why}`, width, 9),
      ...wrap(`  next   ${todo}`, width, 9),
    ])
    .join("\n");
}
