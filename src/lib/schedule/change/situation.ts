import { fractionsOf } from "../../policy/fractions.js";
import type { PolicyDocument } from "../../policy/document.js";
import type { UserClass } from "../types.js";

/** What the access agents say when a change is planned. */
export interface Situation {
  /** ms since 1970 */
  readonly now: number;
  readonly policy: PolicyDocument;
  /** Gateways of the policy that the topology does not have at their site. */
  readonly unlisted: readonly UnlistedGateway[];
  /** The sites of the policy without those of these that do not answer: whatever is published next offers no others. */
  readonly offered: PolicyDocument["sites"];
  readonly gateways: readonly GatewaySeen[];
  /** Dispatchers that answer. */
  readonly dispatchers: readonly string[];
  /** Entries that keep nobody away any more, as each of these says by its own clock. */
  readonly over: readonly string[];
  readonly silent: readonly SilentAgent[];
}

export interface GatewaySeen {
  readonly node: string;
  readonly site: string;
  readonly groups: readonly SessionGroup[];
  readonly logins: {
    /** Most a second. */
    readonly limit: number;
    /** In the last second. */
    readonly perSecond: number;
  };
}

/** The file may be older than the policy: a gateway that it does not have is gone only where it does not answer either. */
export interface UnlistedGateway {
  readonly node: string;
  readonly site: string;
  /** Why it does not; null where it does, or where the policy does not say where its agent is. */
  readonly why: string | null;
}

export interface SessionGroup {
  readonly carrier: string;
  readonly province: string;
  readonly port: number;
  readonly sessions: number;
}

/** An access agent that does not answer. */
export interface SilentAgent {
  readonly node: string;
  readonly role: "dispatch" | "gateway";
  readonly site: string;
  readonly why: string;
}

/** Users online by carrier, province and site, as the gateways count them. */
export function usersOnline({ gateways }: Pick<Situation, "gateways">): UserClass[] {
  const classes = new Map<string, UserClass>();
  for (const { site, groups } of gateways) {
    for (const { carrier, province, sessions } of groups) {
      const key = `${carrier}/${province}/${site}`;
      const users = (classes.get(key)?.users ?? 0) + sessions;
      classes.set(key, { carrier, province, site, users });
    }
  }
  return [...classes.values()];
}

/** Sites of which no gateway answers. */
export function deadSites({ gateways, silent }: Pick<Situation, "gateways" | "silent">): string[] {
  const alive = new Set(gateways.map(({ site }) => site));
  const quiet = silent.filter(({ role, site }) => role === "gateway" && !alive.has(site));
  return [...new Set(quiet.map(({ site }) => site))].toSorted();
}

/**
 * Users whom nobody counts because no gateway of their site answers, and who may still come back from there: by the share of the
 * hashes that belong to the dead sites, against those of the class who are online elsewhere. Where all of a class belongs there, as much
 * of its `peak` as of the others' is online. With these no more than `peak` says that there are, since some may have come already.
 */
export function usersMissing(
  { policy: { classes } }: Situation,
  online: readonly UserClass[],
  dead: readonly string[],
  peak: readonly UserClass[],
): UserClass[] {
  const known = classes.map(({ carrier, province, base }) => {
    const isOf = (one: UserClass) => one.carrier === carrier && one.province === province;
    const shares = [...fractionsOf(base)].filter(([site]) => dead.includes(site));
    const away = shares.reduce((sum, [, share]) => sum + share, 0);
    const counted = online.filter(isOf).reduce((sum, { users }) => sum + users, 0);
    return { carrier, province, shares, away, counted, most: peak.find(isOf)?.users };
  });
  const partly = known.filter(({ away, most }) => away < 1 && most !== undefined);
  const expected = partly.reduce((sum, { away, most }) => sum + most! * (1 - away), 0);
  const there = partly.reduce((sum, { counted }) => sum + counted, 0);
  const occupied = expected === 0 ? 0 : Math.min(1, there / expected);
  return known.flatMap(({ carrier, province, shares, away, counted, most }) => {
    if (away === 0) return [];
    const left = Math.max(0, (most ?? Infinity) - counted);
    const missing =
      away < 1 ? (counted * away) / (1 - away) : Math.max(0, (most ?? 0) * occupied - counted);
    const part = Math.min(missing, left) / away;
    return shares.flatMap(([site, share]) => {
      const users = Math.round(part * share);
      return users === 0 ? [] : [{ carrier, province, site, users }];
    });
  });
}
