import { setTimeout as sleep } from "node:timers/promises";
import { hashText, hashUid } from "../../keyspace/hash.js";
import { type UserFilter, isFor } from "../../policy/filter.js";
import { RateLimit } from "../rate-limit.js";
import type { Address } from "./messages.js";
import type { Registry } from "./registry.js";
import type { Group, Session } from "./session.js";
import { Wave } from "./wave.js";

const STEP_MS = 20;
/** The largest burst of a pace is what so much time brings. */
const SAVED_MS = 100;
/** Entries of which the figures are remembered, the last ones used. */
const ENTRIES_MAX = 1_000;

export interface Departure {
  readonly entry: string;
  readonly filter: UserFilter;
  /** At most so many; null: all. */
  readonly count: number | null;
  /** Null: as fast as it goes. */
  readonly perSecond: number | null;
}

export interface Relogin extends Departure {
  /** Only those whom the policy has at this site; without it all whom it has elsewhere. */
  readonly home?: string | undefined;
  /** Who was told and is still there after so long is closed. */
  readonly withinMs: number;
}

/** How far it has come. */
export interface DepartureFigures {
  /** Told to leave; of a `disconnect`: closed. */
  readonly told: number;
  /** Left by themselves. */
  readonly left: number;
  /** Were closed because they had not. */
  readonly overdue: number;
  /** Were not told, because the policy has them at this very site, or not at the one that is asked for. */
  readonly staying: number;
}

export interface DepartureTask {
  readonly signal: AbortSignal;
  readonly report: (done: number, total: number, perSecond: number) => void;
}

/** What has been done on account of an entry since the process began. */
export interface EntryFigures {
  readonly entry: string;
  readonly told: number;
  readonly left: number;
  readonly overdue: number;
  readonly disconnected: number;
}

export interface DeparturesDeps {
  readonly registry: Registry;
  readonly site: string;
  /** Where the session belongs now, best first; empty when nobody knows. */
  readonly addressesFor: (session: SessionPlace) => readonly Address[];
  /** Tells it; false when it could not be told and is gone. */
  readonly notify: (session: Session, relogin: Relogin, addresses: readonly Address[]) => boolean;
  /** `overdue`, or `disabled`. */
  readonly close: (session: Session, why: "overdue" | "disabled") => void;
}

/** What decides where a session belongs. */
export interface SessionPlace {
  readonly uid: bigint;
  readonly group: Group;
}

interface Entry {
  told: number;
  left: number;
  overdue: number;
  disconnected: number;
  /** One for all that is done on account of the entry, one after the other or again. */
  limit: RateLimit | null;
  /** Aborted when another one on the same account takes over. */
  running: AbortController | null;
}

interface Run {
  readonly entry: Entry;
  readonly wave: Wave<Session>;
  readonly running: AbortController;
  readonly tell: (session: Session) => boolean;
  readonly candidates: () => Session[];
}

/** Another departure on account of the same entry has taken over. */
export class Superseded extends Error {}

/** Has sessions leave at a pace: each at most once on account of an entry, whoever asks how often. */
export class Departures {
  readonly #deps: DeparturesDeps;
  readonly #entries = new Map<string, Entry>();
  /** Those who are told count for the wave that is the last on account of an entry. */
  readonly #waves = new Map<Entry, Wave<Session>>();

  constructor(deps: DeparturesDeps) {
    this.#deps = deps;
  }

  get figures(): EntryFigures[] {
    return [...this.#entries].map(([entry, { told, left, overdue, disconnected }]) => ({
      entry,
      told,
      left,
      overdue,
      disconnected,
    }));
  }

  /** The session has ended, however. */
  gone(session: Session): void {
    for (const [entry, wave] of this.#waves) if (wave.gone(session)) entry.left += 1;
  }

  /**
   * Tells sessions to log in elsewhere; ends when none that was told is there any more. Throws `Superseded`, and the signal's
   * reason when that is aborted.
   */
  async relogin(relogin: Relogin, task: DepartureTask): Promise<DepartureFigures> {
    const { registry, addressesFor, site, notify } = this.#deps;
    const { entry: id, withinMs, filter, home } = relogin;
    const { entry, wave, running } = this.#begin(relogin, withinMs);
    const staying = new Set<Session>();
    const earlier = [...registry.all()].flatMap((session) => {
      const deadline = session.told?.get(id);
      return deadline === undefined || !isFor(filter, session.group) ? [] : [{ session, deadline }];
    });
    const latest = performance.now() + withinMs;
    for (const { session, deadline } of earlier.toSorted((a, b) => a.deadline - b.deadline))
      wave.adopt(session, Math.min(deadline, latest));
    const tell = (session: Session): boolean => {
      const addresses = addressesFor(session);
      const isMeant = home === undefined || addresses[0]?.site === home;
      if (addresses.length === 0 || !isMeant || isAmong(session, site, addresses)) {
        staying.add(session);
        return false;
      }
      if (!notify(session, relogin, addresses)) return false;
      (session.told ??= new Map()).set(id, performance.now() + withinMs);
      entry.told += 1;
      return true;
    };
    const candidates = (): Session[] =>
      this.#inOrder(relogin, (session) => session.told?.has(id) !== true && !staying.has(session));
    await this.#run({ entry, wave, running, tell, candidates }, task);
    const { told, left, overdue } = wave;
    return { told, left, overdue, staying: staying.size };
  }

  /**
   * Closes sessions, but those whom the policy has at this very site: once the entry has ended, or where it never came, they would only
   * come back. Throws as `relogin` does.
   */
  async disconnect(departure: Departure, task: DepartureTask): Promise<DepartureFigures> {
    const { entry, wave, running } = this.#begin(departure, null);
    const { addressesFor, site } = this.#deps;
    const staying = new Set<Session>();
    const tell = (session: Session): boolean => {
      if (isAmong(session, site, addressesFor(session))) {
        staying.add(session);
        return false;
      }
      this.#deps.close(session, "disabled");
      entry.disconnected += 1;
      return true;
    };
    const candidates = (): Session[] =>
      this.#inOrder(departure, (session) => !staying.has(session));
    await this.#run({ entry, wave, running, tell, candidates }, task);
    return { told: wave.told, left: 0, overdue: 0, staying: staying.size };
  }

  /** What goes on on account of the same entry ends: the last word counts. */
  #begin(
    { entry: id, perSecond, count }: Departure,
    withinMs: number | null,
  ): Pick<Run, "entry" | "wave" | "running"> {
    const entry = this.#entry(id);
    entry.running?.abort();
    const running = (entry.running = new AbortController());
    const limit = limitOf(entry, perSecond, performance.now());
    const wave = new Wave<Session>({ count, withinMs, limit });
    this.#waves.set(entry, wave);
    return { entry, running, wave };
  }

  async #run(
    { entry, wave, running, tell, candidates }: Run,
    { signal, report }: DepartureTask,
  ): Promise<void> {
    const { registry, close } = this.#deps;
    const closeOverdue = (session: Session): void => {
      entry.overdue += 1;
      close(session, "overdue");
    };
    const begun = performance.now();
    let toldBefore = -1;
    try {
      wave.enqueue(candidates());
      for (;;) {
        // Whoever came meanwhile is looked for once those who were there have been told; until none of them has to be.
        if (wave.isQueueEmpty && wave.staying === 0) {
          if (wave.told === toldBefore) return;
          toldBefore = wave.told;
          wave.enqueue(candidates());
          if (wave.isQueueEmpty) return;
        }
        const now = performance.now();
        wave.step(now, (session) => registry.has(session) && tell(session), closeOverdue);
        const seconds = Math.max(0.001, (now - begun) / 1_000);
        report(wave.told - wave.staying, wave.told + wave.queued, wave.told / seconds);
        await sleep(STEP_MS);
        signal.throwIfAborted();
        if (running.signal.aborted) throw new Superseded();
      }
    } finally {
      if (entry.running === running) {
        entry.running = null;
        this.#waves.delete(entry);
      }
    }
  }

  /** Those whom the filter means, in an order in which all kinds are mixed. */
  #inOrder({ entry, filter }: Departure, isMeant: (session: Session) => boolean): Session[] {
    const salt = Number(hashText(entry) & 0xffff_ffffn);
    const found: { session: Session; order: number }[] = [];
    for (const session of this.#deps.registry.all()) {
      if (!isFor(filter, session.group) || !isMeant(session)) continue;
      found.push({ session, order: mixed(Number(hashUid(session.uid) & 0xffff_ffffn) ^ salt) });
    }
    return found.toSorted((a, b) => a.order - b.order).map(({ session }) => session);
  }

  #entry(id: string): Entry {
    const known = this.#entries.get(id) ?? {
      told: 0,
      left: 0,
      overdue: 0,
      disconnected: 0,
      limit: null,
      running: null,
    };
    // The last one used is the last one to be forgotten.
    this.#entries.delete(id);
    this.#entries.set(id, known);
    for (const [old, { running }] of this.#entries) {
      if (this.#entries.size <= ENTRIES_MAX) break;
      if (running === null && old !== id) this.#entries.delete(old);
    }
    return known;
  }
}

function limitOf(entry: Entry, perSecond: number | null, now: number): RateLimit | null {
  if (perSecond === null) return null;
  entry.limit ??= new RateLimit(perSecond, SAVED_MS, now);
  entry.limit.change(perSecond, now);
  return entry.limit;
}

/** Whether the session is where it belongs: told to leave it would only come back. */
function isAmong({ group }: Session, site: string, addresses: readonly Address[]): boolean {
  return (
    addresses[0]?.site === site &&
    addresses.some((one) => one.site === site && one.port === group.port)
  );
}

/** The finaliser of MurmurHash3 for 32 bits: neighbours end far apart. */
function mixed(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
