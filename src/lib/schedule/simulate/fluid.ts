import type { UserFilter } from "../../policy/filter.js";
import type { Kind } from "./kinds.js";
import { type FluidSite, Sessions, type SiteCount, type Taken } from "./sessions.js";
import { AHEAD_SECONDS, Turns } from "./turns.js";
import { NO_TASK, type Party, Waiting } from "./waiting.js";

export interface FluidOptions {
  readonly kinds: readonly Kind[];
  readonly sites: readonly FluidSite[];
  /** Of every user, logins a second by himself. */
  readonly churn: number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/** Of each site, how those whom it refuses now are spread over the next seconds; null where it refuses nobody. */
type Refusals = readonly (Float64Array | null)[];

/**
 * Amounts of users instead of users: where their sessions are, and who waits for one. Time goes by the second. What one second brings
 * together is mixed: a site that cannot serve all serves all kinds alike, those who come back before those who come.
 */
export class Fluid {
  readonly counts: readonly SiteCount[];
  /** Of those whose session was closed or who were refused without one: how many, and how long they were without, together. */
  lost = 0;
  secondsWithout = 0;
  overdue = 0;

  readonly #options: FluidOptions;
  /** Where everybody has a session, but for those who were told to leave. */
  readonly #sessions: Sessions;
  /** Of each cell, who logs in by himself in this second. */
  readonly #own: Float64Array;
  readonly #turns: readonly Turns[];
  readonly #waiting: Waiting;
  /** Told and still there, by task. */
  readonly #staying: number[] = [];
  #without = 0;
  #told: Party[] = [];

  constructor(options: FluidOptions) {
    const { kinds, sites } = options;
    this.#options = options;
    this.#own = new Float64Array(2 * kinds.length);
    this.#turns = sites.map(() => new Turns());
    this.#waiting = new Waiting(kinds.length);
    this.counts = sites.map(() => ({ online: 0, logins: 0, refused: 0, perSecond: 0 }));
    this.#sessions = new Sessions(kinds, sites, this.counts);
  }

  /** `levels`: the share of users that each entry keeps away, by its id. `version`: of the classes, by its number. */
  route(levels: ReadonlyMap<string, number>, version = 0): void {
    this.#sessions.route(levels, version);
  }

  /** Everyone online where the policy leads. */
  settle(): void {
    for (const [k, { users }] of this.#options.kinds.entries()) {
      const cell = this.#sessions.targets[k]!;
      if (cell >= 0) this.#sessions.put(cell, users);
      else {
        this.#waiting.at(0, null, Infinity, NO_TASK).users[k]! += users;
        this.#without += users;
      }
    }
  }

  /** A number for those who are told together. */
  openTask(): number {
    return this.#staying.push(0) - 1;
  }

  /** Those who were told and are still there. */
  staying(task: number): number {
    return this.#staying[task]!;
  }

  get without(): number {
    return this.#without;
  }

  /**
   * At most so many of a site's sessions that a filter means and the policy leads elsewhere are told to log in there now, and closed
   * after `within` seconds.
   */
  tell(
    site: number,
    filter: UserFilter,
    most: number,
    { task, now, within }: { readonly task: number; readonly now: number; readonly within: number },
  ): Taken {
    const party = this.#waiting.nobody(site, now + within, task);
    const taken = this.#sessions.take(site, filter, true, most, party.users);
    this.#staying[task]! += taken.users;
    this.counts[site]!.online += taken.users;
    this.#told.push(party);
    return taken;
  }

  /** At most so many connections are closed now; who was there comes back within the next second. */
  close(site: number, filter: UserFilter, most: number, now: number): Taken {
    const party = this.#waiting.at(now + 1, null, Infinity, NO_TASK);
    const taken = this.#sessions.take(site, filter, false, most, party.users);
    this.lost += taken.users;
    this.#without += taken.users;
    return taken;
  }

  /** One second: who was told, who comes back and who logs in by himself. */
  tick(now: number): void {
    const { sites } = this.#options;
    this.#closeOverdue(now);
    const back = this.#waiting.take(now);
    const told = this.#told;
    this.#told = [];
    const oldAsk = this.#asked(back);
    const newAsk = this.#asked(told);
    this.#addOwn(newAsk);
    const old = sites.map(({ limit }, j) => served(limit, oldAsk[j]!));
    const fresh = sites.map(({ limit }, j) => served(limit - oldAsk[j]! * old[j]!, newAsk[j]!));
    const refusals = sites.map(({ limit }, j) => {
      const count = this.counts[j]!;
      const asked = oldAsk[j]! + newAsk[j]!;
      // The product of a quotient may be a digit too high.
      const logins = Math.min(limit, oldAsk[j]! * old[j]! + newAsk[j]! * fresh[j]!);
      count.perSecond = logins;
      count.logins += logins;
      if (old[j] === 1 && fresh[j] === 1) return null;
      count.refused += asked - logins;
      return this.#turns[j]!.give(asked - logins, limit, now, this.#options.random);
    });
    for (const party of back) this.#serve(party, old, refusals, now);
    for (const party of told) this.#serve(party, fresh, refusals, now);
    this.#serveOwn(fresh, refusals, now);
    this.secondsWithout += this.#without;
  }

  /** Users with a session where they are sent from home. */
  away(): number {
    return this.#options.kinds.reduce((sum, _, k) => sum + this.#sessions.online[2 * k + 1]!, 0);
  }

  /** Of each kind: with a session, and without one. What the model must never lose. */
  census(): { readonly online: number; readonly waiting: number }[] {
    const parties = this.#waiting.all();
    return this.#options.kinds.map((_, k) => {
      const own = this.#sessions.online[2 * k]! + this.#sessions.online[2 * k + 1]!;
      const of = (some: readonly Party[]) => some.reduce((sum, { users }) => sum + users[k]!, 0);
      return {
        online: own + of(parties.filter(({ from }) => from !== null)),
        waiting: of(parties.filter(({ from }) => from === null)),
      };
    });
  }

  #closeOverdue(now: number): void {
    for (const { due, party } of this.#waiting.takeOverdue(now)) {
      const users = party.users.reduce((a, b) => a + b, 0);
      this.#leave(party, users);
      this.overdue += users;
      this.lost += users;
      this.#without += users;
      const merged = this.#waiting.at(due, null, Infinity, NO_TASK);
      for (const [k, n] of party.users.entries()) merged.users[k]! += n;
    }
  }

  #leave({ from, task }: Party, users: number): void {
    if (from !== null) this.counts[from]!.online -= users;
    if (task !== NO_TASK) this.#staying[task]! -= users;
  }

  #asked(parties: readonly Party[]): Float64Array {
    const { targets, cellSites } = this.#sessions;
    const asked = new Float64Array(this.#options.sites.length);
    for (const { users } of parties) {
      for (let k = 0; k < users.length; k += 1) {
        const cell = targets[k]!;
        if (cell >= 0 && users[k] !== 0) asked[cellSites[cell]!]! += users[k]!;
      }
    }
    return asked;
  }

  /** Sessions end and begin anew by themselves, about as often as `churn` says. */
  #addOwn(asked: Float64Array): void {
    const { targets, cellSites, online } = this.#sessions;
    const { churn, random } = this.#options;
    const rates = this.counts.map(({ online }) => churn * (1 + noise(online * churn, random)));
    for (let cell = 0; cell < this.#own.length; cell += 1) {
      const users = online[cell]!;
      if (users === 0) continue;
      this.#own[cell] = users * Math.min(1, rates[cellSites[cell]!]!);
      const target = targets[cell >> 1]!;
      if (target >= 0) asked[cellSites[target]!]! += this.#own[cell]!;
    }
  }

  #serveOwn(shares: readonly number[], refusals: Refusals, now: number): void {
    const { targets, cellSites } = this.#sessions;
    const refused = this.#waiting.nobody(null, Infinity, NO_TASK);
    const before = this.lost;
    for (let cell = 0; cell < this.#own.length; cell += 1) {
      const users = this.#own[cell]!;
      if (users === 0) continue;
      this.#own[cell] = 0;
      const target = targets[cell >> 1]!;
      const share = target < 0 ? 0 : shares[cellSites[target]!]!;
      if (target === cell && share === 1) continue;
      this.#sessions.put(cell, -users);
      if (share > 0) this.#sessions.put(target, users * share);
      refused.users[cell >> 1]! += users * (1 - share);
      this.lost += users * (1 - share);
    }
    if (this.lost > before) this.#refuse(refused, refusals, now);
  }

  #serve(party: Party, shares: readonly number[], refusals: Refusals, now: number): void {
    const { targets, cellSites } = this.#sessions;
    const { users, from, deadline, task } = party;
    const refused = this.#waiting.nobody(from, deadline, task);
    let isRefused = false;
    for (let kind = 0; kind < users.length; kind += 1) {
      const all = users[kind]!;
      if (all === 0) continue;
      const target = targets[kind]!;
      const share = target < 0 ? 0 : shares[cellSites[target]!]!;
      // Who is refused waits on, and is counted again there.
      if (from === null) this.#without -= all;
      if (share > 0) {
        this.#leave(party, all * share);
        this.#sessions.put(target, all * share);
      }
      refused.users[kind] = all * (1 - share);
      isRefused ||= share < 1;
    }
    if (isRefused) this.#refuse(refused, refusals, now);
  }

  #refuse(party: Party, refusals: Refusals, now: number): void {
    const { targets, cellSites } = this.#sessions;
    const { from, deadline, task } = party;
    for (let after = 1; after <= AHEAD_SECONDS; after += 1) {
      // Who has nowhere to go asks again.
      const nowhere = after === AHEAD_SECONDS / 2 ? 1 : 0;
      const parts = refusals.map((spread) => spread?.[after] ?? 0);
      if (nowhere === 0 && parts.every((part) => part === 0)) continue;
      const waiting = this.#waiting.at(now + after, from, deadline, task);
      for (const [kind, users] of party.users.entries()) {
        if (users === 0) continue;
        const target = targets[kind]!;
        const part = users * (target < 0 ? nowhere : parts[cellSites[target]!]!);
        waiting.users[kind]! += part;
        if (from === null) this.#without += part;
      }
    }
  }
}

/** Of those who ask, the share that there is room for. */
function served(room: number, asked: number): number {
  // The room may be a digit below nothing.
  return asked === 0 || asked <= room ? 1 : Math.max(0, room) / asked;
}

/** What chance adds to the number of many rare events, in parts of what is expected. */
function noise(expected: number, random: () => number): number {
  if (expected < 1) return 0;
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.max(-1, normal / Math.sqrt(expected));
}
