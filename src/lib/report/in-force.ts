import { durationText } from "../figures.js";
import { whomText } from "../plan/users/say.js";
import type { InForce } from "../run/change-users.js";
import { wrap } from "../wrap.js";
import type { TextOptions } from "./text-options.js";

/** That a site has already what is wanted: by whom, why, for how long, and how it is made longer. */
export function inForceText(entry: InForce, { width }: Pick<TextOptions, "width">): string {
  const { site, mode, actor, reason, leftMs } = entry;
  return [
    `${site} has this ${mode} for ${whomText(entry)} already, by ${actor}: ${reason}`,
    `  ${durationText(leftMs)} left; to have a new one in its place: --override one-at-a-time`,
  ]
    .flatMap((line) => wrap(line, width, 4))
    .join("\n");
}
