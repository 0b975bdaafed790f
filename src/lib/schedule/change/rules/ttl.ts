import { durationText } from "../../../figures.js";
import { LONGEST_MS } from "../../../policy/document.js";
import type { SafetyRule } from "./rule.js";

/** Half as long again as the estimate: a receiver that is not well, and a person who looks at it, take their time. */
const AMPLE = 1.5;

export const ttl: SafetyRule = {
  id: "ttl",
  checks:
    "The entry lasts longer than the run that moves its users, with all that it waits for: else they come back while others still leave.",
  // Users come back step by step from the end on, the first ones at once: the ramp is no time that is left. A mask moves nobody.
  find({ intent: { mode, ttlMs }, seconds }) {
    if (mode === "mask" || seconds * 1_000 < ttlMs) return [];
    return [
      `until the users have moved it takes about ${durationText(seconds * 1_000)}, and the entry ends after ${durationText(ttlMs)}`,
    ];
  },
  mend({ seconds }) {
    const text = ampleTtl(seconds);
    return text === null ? null : `--ttl ${text} would do`;
  },
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** In whole minutes, above an hour in whole hours; null above the longest that there is. */
function ampleTtl(seconds: number): string | null {
  const ms = Math.max(1, seconds * AMPLE * 1_000);
  if (ms <= HOUR_MS) return `${Math.ceil(ms / MINUTE_MS)}m`;
  const hours = Math.ceil(ms / HOUR_MS);
  return hours * HOUR_MS <= LONGEST_MS ? `${hours}h` : null;
}
