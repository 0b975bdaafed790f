import { setTimeout as sleep } from "node:timers/promises";
import type { Network } from "./connection.js";
import { DispatchClient, type Person } from "./dispatch-client.js";
import type { Counts, CrowdFigures } from "./figures.js";
import { Reports } from "./reports.js";
import { User } from "./user.js";

const REPORT_EVERY_MS = 1_000;
/** Of all users together: enough to know every way in some minutes, and nothing beside the logins. */
const PROBES_PER_SECOND = 1;

export interface CrowdOptions {
  readonly people: readonly Person[];
  /** URLs of the dispatchers. */
  readonly dispatch: readonly string[];
  /** 0..1 */
  readonly random: () => number;
  /** What the ways to the sites do now; nothing by default. */
  readonly network?: (person: Person, site: string) => Network;
  readonly probesPerSecond?: number;
}

/** Users with real WebSocket connections, all of this process, who want a session all the time. */
export class Crowd {
  readonly #users: readonly User[];
  readonly #dispatch: DispatchClient;
  readonly #reports = new Reports();
  readonly #reporting: NodeJS.Timeout;
  readonly #probing: NodeJS.Timeout;
  readonly #counts: Counts = {
    logins: 0,
    refused: 0,
    failedLogins: 0,
    failedDispatches: 0,
    moves: 0,
    notices: 0,
    lost: new Map(),
    msWithout: 0,
    longestMsWithout: 0,
  };
  #stopped = false;

  constructor({
    people,
    dispatch,
    random,
    network = perfect,
    probesPerSecond = PROBES_PER_SECOND,
  }: CrowdOptions) {
    this.#dispatch = new DispatchClient(dispatch, random);
    const options = {
      dispatch: this.#dispatch,
      network,
      random,
      counts: this.#counts,
      onBeat: this.#reports.add,
    };
    this.#users = people.map((person) => new User(person, options));
    this.#reporting = setInterval(() => void this.#report(), REPORT_EVERY_MS).unref();
    const anyone = () => this.#users[Math.floor(random() * this.#users.length)];
    this.#probing = setInterval(() => void anyone()?.probe(), 1_000 / probesPerSecond).unref();
  }

  get users(): readonly User[] {
    return this.#users;
  }

  /** Has them come, so many a second; returns when the last one has begun to. */
  async start(perSecond: number): Promise<void> {
    const begun = performance.now();
    for (const [i, user] of this.#users.entries()) {
      const due = begun + (i * 1_000) / perSecond;
      if (due > performance.now() + 5) await sleep(due - performance.now());
      if (this.#stopped) return;
      user.start();
    }
  }

  async #report(): Promise<void> {
    const gone = await this.#dispatch.report(this.#reports.take());
    if (gone !== null) for (const user of this.#users) user.forget(gone);
  }

  figures(): CrowdFigures {
    const bySite: Record<string, number> = {};
    let msWithout = this.#counts.msWithout;
    let longestMsWithout = this.#counts.longestMsWithout;
    let online = 0;
    let toldTwice = 0;
    for (const user of this.#users) {
      toldTwice += user.toldTwice;
      msWithout += user.msWithout;
      longestMsWithout = Math.max(longestMsWithout, user.msWithout);
      if (user.site === null) continue;
      online += 1;
      bySite[user.site] = (bySite[user.site] ?? 0) + 1;
    }
    return {
      ...this.#counts,
      msWithout,
      longestMsWithout,
      users: this.#users.length,
      online,
      bySite,
      lost: Object.fromEntries(this.#counts.lost),
      toldTwice,
    };
  }

  /** All leave. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#reporting);
    clearInterval(this.#probing);
    for (const user of this.#users) user.stop();
    this.#dispatch.close();
  }
}

function perfect(): Network {
  return { loss: 0, delayMs: 0 };
}
