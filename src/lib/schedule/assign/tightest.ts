import type { Limit } from "../types.js";

/** Of the limits of the same sites and carrier one, the tightest. */
export function tightest(limits: readonly Limit[]): Limit[] {
  const found = new Map<string, Limit>();
  for (const limit of limits) {
    const key = JSON.stringify([limit.carrier, limit.sites.toSorted()]);
    const other = found.get(key) ?? limit;
    const tighter = limit.users < other.users ? limit : other;
    const soft = Math.min(limit.soft, other.soft, tighter.users);
    found.set(key, { ...tighter, soft });
  }
  return [...found.values()];
}
