import type { UserPlan } from "../../plan/users/types.js";

/** Of the login rate that receivers have to spare, what is used: the rest is for those who log in by themselves meanwhile. */
const USED = 0.95;

/** One site that gets users. */
export interface Arrivals {
  readonly site: string;
  readonly users: number;
  /** Logins a second that it can take beside those that it has. */
  readonly spare: number;
}

export interface Paced {
  /** Of all receivers together; Infinity for all at once. */
  readonly perSecond: number;
  readonly seconds: number;
  /**
   * What no pace can be below: users to move over the spare login rate, of the receiver for which that is the longest. Infinity where
   * one has nothing to spare.
   */
  readonly boundSeconds: number;
  /** Of each receiver, its share of the pace. */
  readonly logins: ReadonlyMap<string, number>;
}

/**
 * The pace at which users come to their new sites, all kinds mixed: each receiver gets its share of it all the time, so the one with
 * the least to spare for what it gets sets the pace. `asked` is a person's own pace; null for the fastest one.
 */
export function paceOf(arrivals: readonly Arrivals[], asked: number | null): Paced {
  const users = arrivals.reduce((sum, one) => sum + one.users, 0);
  if (users === 0) return { perSecond: asked ?? 0, seconds: 0, boundSeconds: 0, logins: new Map() };
  const boundSeconds = Math.max(
    ...arrivals.map((one) =>
      one.users === 0 ? 0 : one.spare > 0 ? one.users / one.spare : Infinity,
    ),
  );
  // Where a receiver has nothing to spare there is no pace: the rule of login rates says so.
  if (!Number.isFinite(boundSeconds) && asked === null)
    return { perSecond: Infinity, seconds: 0, boundSeconds, logins: allAtOnce(arrivals) };
  const perSecond = asked ?? (users / boundSeconds) * USED;
  if (!Number.isFinite(perSecond))
    return { perSecond, seconds: 0, boundSeconds, logins: allAtOnce(arrivals) };
  const logins = new Map(arrivals.map((one) => [one.site, (perSecond * one.users) / users]));
  return { perSecond, seconds: users / perSecond, boundSeconds, logins };
}

/** As a plan has it: JSON has no Infinity. */
export function pacePlanned({ perSecond, seconds, boundSeconds }: Paced): UserPlan["pace"] {
  return { perSecond: finite(perSecond), seconds, boundSeconds: finite(boundSeconds) };
}

/** Null for Infinity. */
export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function allAtOnce(arrivals: readonly Arrivals[]): Map<string, number> {
  return new Map(arrivals.map(({ site, users }) => [site, users > 0 ? Infinity : 0]));
}
