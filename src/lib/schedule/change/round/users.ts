import { Classes } from "../../../policy/classes.js";
import type { PolicyClass } from "../../../policy/document.js";
import { fractionsOf } from "../../../policy/fractions.js";
import { level } from "../../../policy/level.js";
import type { Demand } from "../../../topology/types.js";
import { classesOf } from "../../problem.js";
import type { UserClass } from "../../types.js";
import { overlap } from "../rules/one-at-a-time.js";
import { type Situation, deadSites } from "../situation.js";

/** Users of a part of whom nobody is online: they take next to nothing from anybody, and are more than rounding to the planner. */
const NOBODY = 0.005;

/** Users of one class whom the policy has at one site. */
export interface Part extends UserClass {
  /** Of the class that they are of, in the order of the demand. */
  readonly of: number;
  /** Of that class, 0..1. */
  readonly share: number;
  /** Of whom nobody is online: they have a place, and count for nothing else. */
  readonly isNobody: boolean;
  /** A round leaves them to whoever keeps users away from the site, or starts its gateways. */
  readonly isFixed: boolean;
}

export interface Population {
  /** Those of the demand, with the fractions by which their users go now; no pieces for a class that has none yet. */
  readonly classes: readonly PolicyClass[];
  readonly parts: readonly Part[];
  /** As the gateways count them. */
  readonly online: number;
}

/**
 * Those who are online now, by where the policy has them: what a round changes. Where they are connected may be elsewhere, for as
 * long as a site is masked, or because it was dead. A class of which nobody is online has its places too: somebody may come.
 */
export function populationOf(situation: Situation, demand: Demand): Population {
  const { policy, gateways } = situation;
  const peak = classesOf(demand);
  const named = new Classes(peak);
  const counts = new Map<UserClass, number>();
  let online = 0;
  for (const { sessions, ...user } of gateways.flatMap(({ groups }) => groups)) {
    online += sessions;
    const of = named.of(user);
    if (of !== null) counts.set(of, (counts.get(of) ?? 0) + sessions);
  }
  const known = new Classes(policy.classes);
  const classes = peak.map(({ carrier, province }): PolicyClass => {
    return { carrier, province, base: known.of({ carrier, province })?.base ?? [] };
  });
  const isLeft = leftAlone(situation);
  const parts = classes.flatMap(({ carrier, province, base }, of): Part[] => {
    const users = counts.get(peak[of]!) ?? 0;
    const who = { of, carrier, province, isNobody: users === 0 };
    const part = (share: number) => (users === 0 ? NOBODY : users * share);
    if (base.length === 0)
      return [{ ...who, site: null, share: 1, users: part(1), isFixed: false }];
    return [...fractionsOf(base)].map(([site, share]) => {
      return { ...who, site, share, users: part(share), isFixed: isLeft(carrier, site) };
    });
  });
  return { classes, parts, online };
}

/** Sites of which no gateway answers, and those from which an entry keeps users of the carrier away, or did until its ramp ends. */
export function leftAlone(situation: Situation): (carrier: string, site: string) => boolean {
  const { policy, now } = situation;
  const dead = deadSites(situation);
  const entries = policy.entries.filter((entry) => level(entry, now) > 0);
  return (carrier, site) =>
    dead.includes(site) ||
    entries.some(
      (entry) => entry.site === site && overlap(entry, { carrier, province: null, port: null }),
    );
}
