import { setTimeout as sleep } from "node:timers/promises";
import type { BatchOp, Client } from "../client/index.js";
import { UnknownOutcome } from "../client/errors.js";
import { Ledger, type Verdict } from "./ledger.js";
import type { People } from "./people.js";

export interface Rates {
  readonly writesPerSecond: number;
  readonly readsPerSecond: number;
}

export interface PopulationOptions {
  readonly keyspace: string;
  readonly people: People;
  /** One for each region that has users; a user always goes through the same one. */
  readonly clients: readonly Client[];
  /** 0..1 */
  readonly random: () => number;
}

const LOAD_BATCH = 1_000;
const LOADERS = 4;
const TICK_MS = 10;
/** Accesses under way at once: above it the population waits, as people do, instead of piling up. */
const BUSY_MAX = 256;
const DELETE_SHARE = 0.1;
/** Of the reads: those that must see the last write of the key, wherever they are answered. */
const FRESH_SHARE = 0.2;
const REMEMBERED_MAX = 10_000;

/** Users who write, delete and read through client routers, and remember everything that was acknowledged to them. */
export class Population {
  readonly ledger: Ledger;
  /** What reads during the run showed that must not be. */
  readonly wrongReads: { key: string; verdict: Verdict }[] = [];
  /** Accesses that failed for certain, with one of the reasons. */
  failures = 0;
  lastFailure = "";
  readonly #options: PopulationOptions;
  /** Log position of a slot's last acknowledged write, for reads that must see it. */
  readonly #positions = new Map<number, string>();
  #busy = 0;
  #running: Promise<void> | null = null;
  #stopped = false;

  constructor(options: PopulationOptions) {
    this.#options = options;
    this.ledger = new Ledger(options.people.slots);
  }

  /** Writes every key once through the batch API. */
  async load(onProgress: (done: number) => void = () => undefined): Promise<void> {
    const { slots } = this.#options.people;
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < slots) {
        const from = next;
        next = Math.min(slots, from + LOAD_BATCH);
        await this.#loadBatch(from, next);
        onProgress(next);
      }
    };
    await Promise.all(Array.from({ length: LOADERS }, lane));
  }

  /** Begins to write and read at these rates, until `stop`. */
  start(rates: Rates): void {
    this.#stopped = false;
    this.#running = this.#run(rates);
  }

  /** Returns once nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    while (this.#busy > 0) await sleep(5);
  }

  async #run({ writesPerSecond, readsPerSecond }: Rates): Promise<void> {
    let last = performance.now();
    let writes = 0;
    let reads = 0;
    while (!this.#stopped) {
      await sleep(TICK_MS);
      const now = performance.now();
      // A pause of this process is not made up for in one burst.
      const seconds = Math.min(0.1, (now - last) / 1_000);
      last = now;
      for (writes += writesPerSecond * seconds; writes >= 1; writes -= 1)
        this.#begin(() => this.#write());
      for (reads += readsPerSecond * seconds; reads >= 1; reads -= 1)
        this.#begin(() => this.#read());
    }
  }

  #begin(access: () => Promise<void>): void {
    if (this.#busy >= BUSY_MAX) return;
    this.#busy += 1;
    void access().finally(() => (this.#busy -= 1));
  }

  async #write(): Promise<void> {
    const { people, keyspace } = this.#options;
    const slot = this.#anySlot();
    const sequence = this.ledger.begin(slot);
    if (sequence === null) return;
    const deletes = this.#options.random() < DELETE_SHARE;
    const client = this.#clientOf(slot);
    try {
      const key = people.keyOf(slot);
      const written = deletes
        ? await client.delete(keyspace, key)
        : await client.put(keyspace, key, people.valueOf(slot, sequence));
      this.ledger.acknowledged(slot, sequence, deletes);
      if (this.#positions.size < REMEMBERED_MAX) this.#positions.set(slot, written.position);
      else this.#positions.delete(slot);
    } catch (error) {
      this.#notAcknowledged(slot, sequence, deletes, error);
    }
  }

  async #read(): Promise<void> {
    const { people, keyspace } = this.#options;
    const fresh = this.#options.random() < FRESH_SHARE ? this.#anyWritten() : null;
    const slot = fresh?.slot ?? this.#anySlot();
    const key = people.keyOf(slot);
    try {
      const before = this.ledger.stamp(slot);
      const found = await this.#clientOf(slot).get(
        keyspace,
        key,
        fresh ? { minPosition: fresh.position } : {},
      );
      const seen = found === null ? null : people.sequenceIn(slot, found.value);
      // With no write of the slot meanwhile, a fresh read can only see the last acknowledged one.
      const exact = fresh !== null && before !== null && before === this.ledger.stamp(slot);
      const verdict = exact ? this.ledger.judge(slot, seen) : this.ledger.judgeStale(slot, seen);
      if (verdict !== "right") this.wrongReads.push({ key, verdict });
    } catch (error) {
      this.#fail(error);
    }
  }

  async #loadBatch(from: number, to: number): Promise<void> {
    const { people, keyspace } = this.#options;
    const writes: { slot: number; sequence: number }[] = [];
    const ops: BatchOp[] = [];
    for (let slot = from; slot < to; slot += 1) {
      const sequence = this.ledger.begin(slot);
      if (sequence === null) continue;
      writes.push({ slot, sequence });
      ops.push({ op: "put", key: people.keyOf(slot), value: people.valueOf(slot, sequence) });
    }
    const results = await this.#clientOf(from).batch(keyspace, ops);
    for (const [i, { slot, sequence }] of writes.entries()) {
      const result = results[i]!;
      if (result.status === "failed") this.#notAcknowledged(slot, sequence, false, result.error);
      else this.ledger.acknowledged(slot, sequence, false);
    }
  }

  #notAcknowledged(slot: number, sequence: number, deletes: boolean, error: unknown): void {
    if (error instanceof UnknownOutcome) this.ledger.undecided(slot, sequence, deletes, error.open);
    else {
      this.ledger.failed(slot);
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.failures += 1;
    this.lastFailure = error instanceof Error ? error.message : String(error);
  }

  #anySlot(): number {
    return Math.floor(this.#options.random() * this.ledger.slots);
  }

  /** The slot whose last write waits longest for a read that must see it. */
  #anyWritten(): { slot: number; position: string } | null {
    const first = this.#positions.entries().next();
    if (first.done) return null;
    const [slot, position] = first.value;
    this.#positions.delete(slot);
    return { slot, position };
  }

  #clientOf(slot: number): Client {
    const { clients, people } = this.#options;
    return clients[people.userOf(slot) % clients.length]!;
  }
}
