import { aboutText } from "../figures.js";

/** `about 3m 00s to 5m 00s left`; null where it is not known. */
export function leftText({
  leastMs,
  mostMs,
}: {
  readonly leastMs: number | null;
  readonly mostMs: number | null;
}): string | null {
  return leastMs === null || mostMs === null ? null : `${aboutText(leastMs, mostMs)} left`;
}
