import { antiFlap } from "./anti-flap.js";
import { lastSite } from "./last-site.js";
import { loginRate } from "./login-rate.js";
import { oneAtATime } from "./one-at-a-time.js";
import { room } from "./room.js";
import type { Judged, SafetyRule } from "./rule.js";
import { ttl } from "./ttl.js";

export const SAFETY_RULES: readonly SafetyRule[] = [
  room,
  lastSite,
  loginRate,
  ttl,
  oneAtATime,
  antiFlap,
];

/** What one rule has against a proposal. */
export interface Objection {
  readonly rule: string;
  readonly message: string;
  readonly overridden: boolean;
  /** With what the rule would have nothing against it. */
  readonly mend?: string;
}

export function objectionsTo(change: Judged): Objection[] {
  const found = SAFETY_RULES.flatMap((rule) => {
    const mend = rule.mend?.(change) ?? null;
    return rule
      .find(change)
      .map((message) => ({ rule: rule.id, message, ...(mend === null ? {} : { mend }) }));
  });
  return overridden(found, change.intent.overrides);
}

export function overridden(
  found: readonly Omit<Objection, "overridden">[],
  overrides: readonly string[],
): Objection[] {
  return found.map((one) => ({ ...one, overridden: overrides.includes(one.rule) }));
}
