import type { Proposal } from "../proposal.js";
import { antiFlap } from "./anti-flap.js";
import { lastSite } from "./last-site.js";
import { loginRate } from "./login-rate.js";
import { oneAtATime } from "./one-at-a-time.js";
import { room } from "./room.js";
import type { SafetyRule } from "./rule.js";

export const SAFETY_RULES: readonly SafetyRule[] = [
  room,
  lastSite,
  loginRate,
  oneAtATime,
  antiFlap,
];

/** What one rule has against a proposal. */
export interface Objection {
  readonly rule: string;
  readonly message: string;
  readonly overridden: boolean;
}

export function objectionsTo(proposal: Proposal): Objection[] {
  const found = SAFETY_RULES.flatMap((rule) =>
    rule.find(proposal).map((message) => ({ rule: rule.id, message })),
  );
  return overridden(found, proposal.intent.overrides);
}

export function overridden(
  found: readonly Pick<Objection, "rule" | "message">[],
  overrides: readonly string[],
): Objection[] {
  return found.map((one) => ({ ...one, overridden: overrides.includes(one.rule) }));
}
