import { setImmediate as nextTurn } from "node:timers/promises";
import type { SessionPlace } from "./departures.js";
import type { Session } from "./session.js";

/** Where a user belongs takes microseconds to find out: logins are not kept waiting by more than so many. */
const AT_ONCE = 1_000;

/** Sessions of one kind of users who belong to another site. */
export interface ElsewhereGroup {
  readonly carrier: string;
  readonly province: string;
  readonly home: string;
  sessions: number;
}

/** Counts those who do not belong to the site. Who comes or goes meanwhile is counted or not. */
export async function countElsewhere(
  sessions: Iterable<Session>,
  site: string,
  homeOf: (session: SessionPlace) => string | null,
): Promise<ElsewhereGroup[]> {
  const groups = new Map<string, ElsewhereGroup>();
  let looked = 0;
  for (const session of sessions) {
    looked += 1;
    if (looked % AT_ONCE === 0) await nextTurn();
    const home = homeOf(session);
    if (home === null || home === site) continue;
    const { carrier, province } = session.group;
    const key = `${carrier}\n${province}\n${home}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { carrier, province, home, sessions: 1 });
    else known.sessions += 1;
  }
  return [...groups.values()];
}
