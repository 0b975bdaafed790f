import type { UserPlan } from "../../plan/users/types.js";

/** Of the login rate that receivers have to spare, what is used: the rest is for those who log in by themselves meanwhile. */
const USED = 0.95;

/** One site that gets users. */
export interface Arrivals {
  readonly site: string;
  readonly users: number;
  /** Logins a second that it can take beside those that it has. */
  readonly spare: number;
  /** Logins a second that these users make by themselves: from the mask on they are made here. */
  readonly own: number;
}

export interface Paced {
  /** Of all receivers together; Infinity for all at once. */
  readonly perSecond: number;
  readonly seconds: number;
  /** What no pace can be below, of the receiver for which that is the longest. */
  readonly boundSeconds: number;
  /** Of each receiver, the logins a second that come to those that it has: its share of the pace and what its new users make. */
  readonly logins: ReadonlyMap<string, number>;
  /** Receivers that have no login to spare, so that there is no pace but a person's own. */
  readonly spent: readonly string[];
}

/**
 * The pace at which users come to their new sites, all kinds mixed: each receiver gets its share of it all the time, so the one with
 * the least to spare for what it gets sets the pace. `asked` is a person's own pace; null for the fastest one.
 */
export function paceOf(arrivals: readonly Arrivals[], asked: number | null): Paced {
  const users = arrivals.reduce((sum, one) => sum + one.users, 0);
  if (users === 0)
    return { perSecond: asked ?? 0, seconds: 0, boundSeconds: 0, logins: new Map(), spent: [] };
  const boundSeconds = Math.max(...arrivals.map(leastSeconds));
  const slowest = Math.max(...arrivals.map(secondsAlone));
  const isSpent = (one: Arrivals) => asked === null && !Number.isFinite(secondsAlone(one));
  const spent = arrivals.filter(isSpent).map(({ site }) => site);
  // Where a receiver has nothing to spare there is no pace: the rule of login rates says so.
  const perSecond = asked ?? (Number.isFinite(slowest) ? (users / slowest) * USED : Infinity);
  if (!Number.isFinite(perSecond))
    return { perSecond, seconds: 0, boundSeconds, logins: allAtOnce(arrivals), spent };
  const logins = new Map(
    arrivals.map((one) => [one.site, one.own + (perSecond * one.users) / users]),
  );
  // Of those who are left, some log in by themselves: n' = -perSecond - own / users * n. It ends where the fewest do.
  const least = Math.min(...arrivals.map(({ own, users: of }) => (of === 0 ? Infinity : own / of)));
  const seconds = (users / perSecond) * perUnit((least * users) / perSecond, Math.log1p);
  return { perSecond, seconds, boundSeconds, logins, spent };
}

/** With all of their own logins from the beginning; Infinity where these leave none to spare. */
function secondsAlone({ users, spare, own }: Arrivals): number {
  return users === 0 ? 0 : users / Math.max(0, spare - own);
}

/**
 * Whoever has come logs in there by himself now and then, too: at most m' = spare - own / users * m come, from m = 0 to all users.
 */
function leastSeconds({ users, spare, own }: Arrivals): number {
  if (users === 0) return 0;
  if (own >= spare) return Infinity;
  return (users / spare) * perUnit(own / spare, (share) => -Math.log1p(-share));
}

function perUnit(share: number, of: (share: number) => number): number {
  return share === 0 ? 1 : of(share) / share;
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
