import type { UserFilter } from "../../../policy/filter.js";
import { level } from "../../../policy/level.js";
import type { SafetyRule } from "./rule.js";

export const oneAtATime: SafetyRule = {
  id: "one-at-a-time",
  checks: "No other entry is about the same users of the same site.",
  find({ intent: { sites, filter, mode, empties }, situation: { policy, now } }) {
    return policy.entries.flatMap((entry) => {
      if (!sites.includes(entry.site) || !overlap(entry, filter)) return [];
      // Nobody has to be about for an entry to end, so it stays in the policy when it has.
      if (level(entry, now) === 0) return [];
      // A mask may become a disable, and that one a drain; the other way round is a restore.
      const isFurther =
        rank(mode) > rank(entry.mode) || (empties && rank(mode) === rank(entry.mode));
      const isStep = now < entry.expires && sameFilter(entry, filter) && isFurther;
      if (isStep) return [];
      const state = now < entry.expires ? "in force" : "ramping back";
      return [`${entry.site} has entry ${entry.id} (${entry.mode}, by ${entry.actor}) ${state}`];
    });
  },
};

function rank(mode: "mask" | "weak" | "strong"): number {
  return ["mask", "weak", "strong"].indexOf(mode);
}

export function overlap(a: UserFilter, b: UserFilter): boolean {
  const meet = (x: unknown, y: unknown) => x === null || y === null || x === y;
  return meet(a.carrier, b.carrier) && meet(a.province, b.province) && meet(a.port, b.port);
}

export function sameFilter(a: UserFilter, b: UserFilter): boolean {
  return a.carrier === b.carrier && a.province === b.province && a.port === b.port;
}
