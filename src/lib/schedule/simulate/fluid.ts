import type { UserFilter } from "../../policy/filter.js";
import type { Kind } from "./kinds.js";
import { AHEAD_SECONDS, Turns } from "./turns.js";
import { NO_TASK, type Party, Waiting } from "./waiting.js";

export interface FluidSite {
  readonly id: string;
  /** Logins a second that its gateways take together. */
  readonly limit: number;
}

export interface FluidOptions {
  readonly kinds: readonly Kind[];
  readonly sites: readonly FluidSite[];
  /** Of every user, logins a second by himself. */
  readonly churn: number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/** What has happened at a site, counted from the start. */
export interface SiteCount {
  online: number;
  logins: number;
  refused: number;
  /** Logins in the last second. */
  perSecond: number;
}

export interface Taken {
  readonly users: number;
  /** Sessions that were meant and are still to be taken. */
  readonly left: number;
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
  /** Two for each kind: where it belongs, and where it is sent from there. */
  readonly #cellSite: Int32Array;
  /** Of each site, the cells of those who do not always stay where they are. */
  readonly #mobile: readonly (readonly number[])[];
  /** Sessions that were not told to leave. */
  readonly #online: Float64Array;
  readonly #own: Float64Array;
  /** The cell at which each kind logs in now; -1 for none. */
  readonly #target: Int32Array;
  readonly #turns: readonly Turns[];
  readonly #waiting: Waiting;
  /** Told and still there, by task. */
  readonly #staying: number[] = [];
  #without = 0;
  #told: Party[] = [];

  constructor(options: FluidOptions) {
    const { kinds, sites } = options;
    this.#options = options;
    const index = new Map(sites.map(({ id }, i) => [id, i]));
    this.#cellSite = Int32Array.from(
      kinds.flatMap(({ home, away }) => [home, away?.to ?? null]),
      (id) => (id === null ? -1 : index.get(id)!),
    );
    const mobile = sites.map((): number[] => []);
    for (const [cell, site] of this.#cellSite.entries())
      if (site >= 0 && kinds[cell >> 1]!.away !== null) mobile[site]!.push(cell);
    this.#mobile = mobile;
    this.#online = new Float64Array(2 * kinds.length);
    this.#own = new Float64Array(2 * kinds.length);
    this.#target = new Int32Array(kinds.length);
    this.#turns = sites.map(() => new Turns());
    this.#waiting = new Waiting(kinds.length);
    this.counts = sites.map(() => ({ online: 0, logins: 0, refused: 0, perSecond: 0 }));
  }

  /** `levels`: the share of users that each entry keeps away, by its id. `version`: of the classes, by its number. */
  route(levels: ReadonlyMap<string, number>, version = 0): void {
    for (const [k, { away }] of this.#options.kinds.entries()) {
      const isAway =
        away !== null &&
        ("entry" in away ? (levels.get(away.entry) ?? 0) > away.above : away.when[version] === "1");
      this.#target[k] = !isAway ? 2 * k : away.to === null ? -1 : 2 * k + 1;
    }
  }

  /** Everyone online where the policy leads. */
  settle(): void {
    for (const [k, { users }] of this.#options.kinds.entries()) {
      const cell = this.#target[k]!;
      if (cell >= 0) this.#put(cell, users);
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
    const taken = this.#take(site, filter, true, most, party);
    this.#staying[task]! += taken.users;
    this.counts[site]!.online += taken.users;
    this.#told.push(party);
    return taken;
  }

  /** At most so many connections are closed now; who was there comes back within the next second. */
  close(site: number, filter: UserFilter, most: number, now: number): Taken {
    const party = this.#waiting.at(now + 1, null, Infinity, NO_TASK);
    const taken = this.#take(site, filter, false, most, party);
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
    return this.#options.kinds.reduce((sum, _, k) => sum + this.#online[2 * k + 1]!, 0);
  }

  /** Of each kind: with a session, and without one. What the model must never lose. */
  census(): { readonly online: number; readonly waiting: number }[] {
    const parties = this.#waiting.all();
    return this.#options.kinds.map((_, k) => {
      const own = this.#online[2 * k]! + this.#online[2 * k + 1]!;
      const of = (some: readonly Party[]) => some.reduce((sum, { users }) => sum + users[k]!, 0);
      return {
        online: own + of(parties.filter(({ from }) => from !== null)),
        waiting: of(parties.filter(({ from }) => from === null)),
      };
    });
  }

  #put(cell: number, users: number): void {
    this.#online[cell]! += users;
    this.counts[this.#cellSite[cell]!]!.online += users;
  }

  #take(
    site: number,
    { carrier, province }: UserFilter,
    leaving: boolean,
    most: number,
    to: Party,
  ): Taken {
    const { kinds } = this.#options;
    const cells = this.#mobile[site]!.filter((cell) => {
      if (this.#online[cell] === 0) return false;
      const target = this.#target[cell >> 1]!;
      // Nobody is told to go where nobody knows.
      if (leaving && (target < 0 || target === cell)) return false;
      const one = kinds[cell >> 1]!;
      return (
        (carrier ?? one.carrier) === one.carrier && (province ?? one.province) === one.province
      );
    });
    const there = cells.reduce((sum, cell) => sum + this.#online[cell]!, 0);
    if (there <= 0) return { users: 0, left: 0 };
    const share = Math.min(1, most / there);
    for (const cell of cells) {
      const users = this.#online[cell]! * share;
      this.#put(cell, -users);
      to.users[cell >> 1]! += users;
    }
    return { users: there * share, left: there * (1 - share) };
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
    const asked = new Float64Array(this.#options.sites.length);
    for (const { users } of parties) {
      for (let k = 0; k < users.length; k += 1) {
        const cell = this.#target[k]!;
        if (cell >= 0 && users[k] !== 0) asked[this.#cellSite[cell]!]! += users[k]!;
      }
    }
    return asked;
  }

  /** Sessions end and begin anew by themselves, about as often as `churn` says. */
  #addOwn(asked: Float64Array): void {
    const { churn, random } = this.#options;
    const rates = this.counts.map(({ online }) => churn * (1 + noise(online * churn, random)));
    for (let cell = 0; cell < this.#own.length; cell += 1) {
      const users = this.#online[cell]!;
      if (users === 0) continue;
      this.#own[cell] = users * Math.min(1, rates[this.#cellSite[cell]!]!);
      const target = this.#target[cell >> 1]!;
      if (target >= 0) asked[this.#cellSite[target]!]! += this.#own[cell]!;
    }
  }

  #serveOwn(shares: readonly number[], refusals: Refusals, now: number): void {
    const refused = this.#waiting.nobody(null, Infinity, NO_TASK);
    const before = this.lost;
    for (let cell = 0; cell < this.#own.length; cell += 1) {
      const users = this.#own[cell]!;
      if (users === 0) continue;
      this.#own[cell] = 0;
      const target = this.#target[cell >> 1]!;
      const share = target < 0 ? 0 : shares[this.#cellSite[target]!]!;
      if (target === cell && share === 1) continue;
      this.#put(cell, -users);
      if (share > 0) this.#put(target, users * share);
      refused.users[cell >> 1]! += users * (1 - share);
      this.lost += users * (1 - share);
    }
    if (this.lost > before) this.#refuse(refused, refusals, now);
  }

  #serve(party: Party, shares: readonly number[], refusals: Refusals, now: number): void {
    const { users, from, deadline, task } = party;
    const refused = this.#waiting.nobody(from, deadline, task);
    let isRefused = false;
    for (let kind = 0; kind < users.length; kind += 1) {
      const all = users[kind]!;
      if (all === 0) continue;
      const target = this.#target[kind]!;
      const share = target < 0 ? 0 : shares[this.#cellSite[target]!]!;
      // Who is refused waits on, and is counted again there.
      if (from === null) this.#without -= all;
      if (share > 0) {
        this.#leave(party, all * share);
        this.#put(target, all * share);
      }
      refused.users[kind] = all * (1 - share);
      isRefused ||= share < 1;
    }
    if (isRefused) this.#refuse(refused, refusals, now);
  }

  #refuse(party: Party, refusals: Refusals, now: number): void {
    const { from, deadline, task } = party;
    for (let after = 1; after <= AHEAD_SECONDS; after += 1) {
      // Who has nowhere to go asks again.
      const nowhere = after === AHEAD_SECONDS / 2 ? 1 : 0;
      const parts = refusals.map((spread) => spread?.[after] ?? 0);
      if (nowhere === 0 && parts.every((part) => part === 0)) continue;
      const waiting = this.#waiting.at(now + after, from, deadline, task);
      for (const [kind, users] of party.users.entries()) {
        if (users === 0) continue;
        const target = this.#target[kind]!;
        const part = users * (target < 0 ? nowhere : parts[this.#cellSite[target]!]!);
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
