import { isSomeone, type Limit } from "../types.js";
import type { Proof } from "./bound.js";
import type { Model } from "./model.js";
import type { Shape } from "./shape.js";

/**
 * Why some users have no place. The prices of the level are a cut: the limits that are full with these users, so that each place more
 * in one of them is a user less without one.
 */
export interface Shortage {
  /** Users by carrier who compete for what those limits leave. */
  readonly users: readonly { readonly carrier: string; readonly users: number }[];
  /** Empty where the users have no site left at all. */
  readonly limits: readonly Limit[];
  /** How many have no place, so by how much the limits together are too low. */
  readonly missing: number;
}

/** Prices are 0 or 1, or simple fractions: what is less is rounding. */
const PRICED = 1e-6;

export function shortageOf(
  { groups, caps, part }: Shape,
  model: Model,
  proof: Proof,
): Shortage | null {
  const missing = proof.bound * part;
  if (!isSomeone(missing)) return null;
  const users = new Map<string, number>();
  for (const [row, group] of groups.entries()) {
    if (proof.prices[row]! < PRICED) continue;
    users.set(group.carrier, (users.get(group.carrier) ?? 0) + group.users * part);
  }
  return {
    users: [...users].map(([carrier, count]) => ({ carrier, users: count })),
    limits: caps
      .filter((_, i) => proof.prices[model.caps[i]!]! < -PRICED)
      .map(({ limit }) => limit),
    missing,
  };
}
