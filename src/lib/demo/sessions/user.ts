import { setTimeout as sleep } from "node:timers/promises";
import type { Address } from "../../access/gateway/messages.js";
import { Connection, type ConnectionOptions, type Network } from "./connection.js";
import type { DispatchClient, Gone, Offer, Person } from "./dispatch-client.js";
import type { Counts } from "./figures.js";
import { probe } from "./probe.js";

/** Who lost a session comes back after up to this, so that not all come at once. */
const JITTER_MS = 500;
const BACKOFF_MS = { first: 250, most: 8_000 };

export interface UserOptions {
  readonly dispatch: DispatchClient;
  readonly network: (person: Person, site: string) => Network;
  readonly random: () => number;
  readonly counts: Counts;
  readonly onBeat: ConnectionOptions["onBeat"];
}

/** One user, who wants to have a session all the time. */
export class User {
  readonly person: Person;
  readonly #options: UserOptions;
  #connection: Connection | null = null;
  /** Where it may log in, as a dispatcher told it last. */
  #offer: Offer = { version: 0, addresses: [] };
  /** Since when without a session; null with one, and before the first. */
  #lostAt: number | null = null;
  /** Logs in: at first, again, or elsewhere. One at a time. */
  #busy = false;
  #stopped = false;
  /** Entries on whose account this very session was told to leave. */
  readonly #told = new Set<string>();
  toldTwice = 0;

  constructor(person: Person, options: UserOptions) {
    this.person = person;
    this.#options = options;
  }

  /** Null without a session. */
  get site(): string | null {
    return this.#connection?.site ?? null;
  }

  /** For how long now, ms; 0 with a session. */
  get msWithout(): number {
    return this.#lostAt === null ? 0 : performance.now() - this.#lostAt;
  }

  start(): void {
    void this.#comeBack();
  }

  stop(): void {
    this.#stopped = true;
    this.#connection?.leave();
  }

  /** Looks how the way to another site is, any one of those where it might log in. */
  async probe(): Promise<void> {
    const { random } = this.#options;
    const others = this.#offer.addresses.filter(({ site }) => site !== this.site);
    const to = others[Math.floor(random() * others.length)];
    if (this.site !== null && to !== undefined) await probe(to, this.person, this.#options);
  }

  /** Nobody is sent to these addresses any more; a dispatcher that has an older policy than this user was told by does not know that. */
  forget({ version, gone }: Gone): void {
    if (gone.length === 0 || version < this.#offer.version) return;
    const addresses = this.#offer.addresses.filter(({ url }) => !gone.includes(url));
    this.#offer = { ...this.#offer, addresses };
  }

  /** Goes on until there is a session. */
  async #comeBack(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const { dispatch, counts } = this.#options;
    for (let failures = 0; !this.#stopped && this.#connection === null; failures += 1) {
      if (failures > 0) await this.#backOff(failures);
      const offer = await dispatch.offer(this.person);
      if (offer === null) counts.failedDispatches += 1;
      else this.#enter(await this.#logIn(offer.addresses));
      this.#offer = offer ?? this.#offer;
    }
    this.#busy = false;
  }

  /** To where the notice says: there first, then away from here. Without success it stays, and is closed in the end. */
  async #move(addresses: readonly Address[]): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const from = this.#connection;
    const connection = await this.#logIn(addresses);
    this.#busy = false;
    if (connection !== null) {
      const isMove = from !== null && this.#connection === from;
      this.#enter(connection);
      if (isMove) {
        this.#options.counts.moves += 1;
        from.leave();
      }
    } else if (this.#connection === null) {
      await this.#comeBack();
    }
  }

  /** The first address that takes the user. One that is busy says when, and is then asked again. */
  async #logIn(addresses: readonly Address[]): Promise<Connection | null> {
    const { counts, network, random, onBeat } = this.#options;
    const options: ConnectionOptions = {
      network,
      random,
      onBeat,
      onNotice: (connection, { entry, addresses: to }) => {
        if (connection !== this.#connection) return;
        counts.notices += 1;
        if (this.#told.has(entry)) this.toldTwice += 1;
        this.#told.add(entry);
        void this.#move(to);
      },
      onClosed: (connection, code) => this.#closed(connection, code),
    };
    for (const address of addresses) {
      for (;;) {
        if (this.#stopped) return null;
        const attempt = await Connection.open(address, this.person, options);
        if (attempt.outcome === "welcome") {
          counts.logins += 1;
          return attempt.connection;
        }
        if (attempt.outcome === "failed") {
          counts.failedLogins += 1;
          break;
        }
        counts.refused += 1;
        if (attempt.code !== "busy") break;
        await sleep(attempt.retryAfterMs, undefined, { ref: false });
      }
    }
    return null;
  }

  #enter(connection: Connection | null): void {
    if (connection === null) return;
    if (this.#stopped) return connection.leave();
    this.#connection = connection;
    this.#told.clear();
    // It may have ended before anybody looked.
    if (!connection.isOpen) return this.#closed(connection, 1006);
    const { counts } = this.#options;
    counts.msWithout += this.msWithout;
    counts.longestMsWithout = Math.max(counts.longestMsWithout, this.msWithout);
    this.#lostAt = null;
  }

  #closed(connection: Connection, code: number): void {
    if (this.#stopped || connection !== this.#connection) return;
    const { counts, random } = this.#options;
    counts.lost.set(code, (counts.lost.get(code) ?? 0) + 1);
    this.#connection = null;
    this.#lostAt ??= performance.now();
    void sleep(random() * JITTER_MS, undefined, { ref: false }).then(() => this.#comeBack());
  }

  async #backOff(failures: number): Promise<void> {
    const most = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** failures);
    await sleep(most * (0.5 + this.#options.random() / 2), undefined, { ref: false });
  }
}
