import { EXIT, OpsError } from "../../errors.js";
import type { EngineLimits } from "../contract.js";
import type { Committed } from "./committed.js";
import { Delta } from "./delta.js";
import type { Tables } from "./tables.js";
import { Draft } from "./draft.js";
import { EmbeddedTxn } from "./txn.js";

interface Item {
  readonly work: (txn: EmbeddedTxn) => unknown;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/** A batch ends when one of these is reached: it bounds the latency of a commit, and the stall of the event loop. */
const BATCH = { works: 2_000, bytes: 4 << 20, milliseconds: 8 };

/**
 * Runs queued works in order; those that wait while a transaction is on its way to the disk share the next one.
 * One transaction at a time, so a work sees everything before it as flushed, or in its own batch.
 */
export class GroupCommit {
  readonly #tables: Tables;
  readonly #committed: Committed;
  readonly #limits: EngineLimits;
  readonly #onFatal: (error: Error) => void;
  readonly #onFlush: (before: { last: bigint }) => void;
  #queue: Item[] = [];
  #running = false;
  /** The commit of the works that have run: whether it went well. */
  #committing: Promise<boolean> = Promise.resolve(true);
  /** Why nothing is taken any more. */
  #refusal: OpsError | null = null;

  constructor(
    tables: Tables,
    committed: Committed,
    limits: EngineLimits,
    on: { fatal: (error: Error) => void; flush: (before: { last: bigint }) => void },
  ) {
    this.#tables = tables;
    this.#committed = committed;
    this.#limits = limits;
    this.#onFatal = on.fatal;
    this.#onFlush = on.flush;
  }

  get queued(): number {
    return this.#queue.length;
  }

  run<T>(work: (txn: EmbeddedTxn) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#refusal !== null) {
        reject(this.#refusal);
        return;
      }
      this.#queue.push({ work, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      // Not at once: the works of one turn of the event loop belong together.
      setImmediate(() => void this.#pump());
    });
  }

  /** Resolves when the works that have run are flushed. Rejects when they could not be. */
  async settled(): Promise<void> {
    if (await this.#committing) return;
    throw (
      this.#refusal ?? new OpsError("engine-failed", EXIT.unknown, "the store could not commit")
    );
  }

  /** Refuses works from now on; resolves when those before are flushed. */
  async close(): Promise<void> {
    const flushed = this.run(() => undefined);
    this.#refusal ??= new OpsError("engine-closed", EXIT.failure, "the store is closed");
    await flushed.catch(() => undefined);
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = new Delta(this.#committed);
      const settle = this.#runWorks(batch);
      if (!batch.isEmpty) {
        this.#committed.announce(batch);
        try {
          const commit = batch.commit(this.#tables);
          this.#committing = commit.then(
            () => true,
            () => false,
          );
          await commit;
        } catch (error) {
          await this.#fail(error, settle);
          return;
        }
        const before = { last: this.#committed.last };
        this.#committed.apply(batch);
        this.#onFlush(before);
      }
      for (const { item, result } of settle) item.resolve(result as never);
    }
    this.#running = false;
  }

  /** Those that succeeded, with what they returned. Those that threw are rejected here. */
  #runWorks(batch: Delta): { item: Item; result: unknown }[] {
    const done: { item: Item; result: unknown }[] = [];
    const end = performance.now() + BATCH.milliseconds;
    let taken = 0;
    for (const item of this.#queue) {
      if (taken >= BATCH.works || batch.bytes >= BATCH.bytes || performance.now() > end) break;
      taken += 1;
      const delta = new Delta(batch);
      const draft = new Draft(delta, this.#tables, this.#limits);
      const txn = new EmbeddedTxn(draft);
      try {
        const result = item.work(txn);
        if (result instanceof Promise) {
          result.catch(() => undefined);
          throw new Error("a work must be synchronous");
        }
        batch.absorb(delta);
        done.push({ item, result });
      } catch (error) {
        item.reject(error);
      } finally {
        draft.end();
      }
    }
    this.#queue.splice(0, taken);
    return done;
  }

  async #fail(error: unknown, settle: { item: Item }[]): Promise<void> {
    const cause = await causeOf(error);
    const refusal = new OpsError(
      "engine-failed",
      EXIT.unknown,
      `the store could not commit: ${cause.message}`,
      {
        hint: "look at the disk (space, errors) and start the agent again: it reads what is there",
        cause,
      },
    );
    this.#refusal = refusal;
    const queued = this.#queue;
    this.#queue = [];
    this.#running = false;
    for (const item of [...settle.map((each) => each.item), ...queued]) item.reject(refusal);
    this.#onFatal(refusal);
  }
}

/** lmdb-js rejects with a wrapper; its `commitError` is a promise that rejects with the reason. */
async function causeOf(error: unknown): Promise<Error> {
  if (error instanceof Error && "commitError" in error) {
    return Promise.resolve(error.commitError).then(
      () => error,
      (cause: unknown) => (cause instanceof Error ? cause : error),
    );
  }
  return error instanceof Error ? error : new Error(String(error));
}
