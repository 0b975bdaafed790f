import type { DamagedRun } from "../run/damaged-run.js";
import { wrap } from "../wrap.js";
import type { TextOptions } from "./text-options.js";

/** What is wrong with runs that do not say how they stand, and what to do. */
export function damagedText(
  damaged: readonly DamagedRun[],
  { width }: Pick<TextOptions, "width">,
): string {
  return damaged
    .flatMap(({ run, why, todo }) => [
      ...wrap(`${run}  damaged: ${why}`, width, 9),
      ...wrap(`  next   ${todo}`, width, 9),
    ])
    .join("\n");
}
