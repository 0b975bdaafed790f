import type { Engine } from "../../engines/contract.js";
import { touching } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";

/** Deletes the rows of dropped copies. Once begun a drop goes on to its end, also over restarts: its range is blocked until then. */
export class Drops {
  readonly #engine: Engine;
  readonly #die: (error: unknown) => void;
  readonly #running = new Map<string, { done: Promise<number>; removed: number }>();
  readonly #stopping = new AbortController();

  constructor(engine: Engine, die: (error: unknown) => void) {
    this.#engine = engine;
    this.#die = die;
  }

  /** Goes on with all drops that are stored. */
  resume(): void {
    for (const { id } of this.#engine.drops()) this.#run(id);
  }

  /** Drops under way, each with the first of the segments that it overlaps. */
  overlapping(keyspace: string, segments: readonly Segment[]): { id: string; segment: Segment }[] {
    const drops = this.#engine.drops().filter((one) => one.keyspace === keyspace);
    const found = new Map<string, Segment>();
    for (const segment of segments) {
      for (const { id } of touching(drops, segment)) if (!found.has(id)) found.set(id, segment);
    }
    return Array.from(found, ([id, segment]) => ({ id, segment }));
  }

  /** Resolves with the rows that were deleted. */
  async finish(ids: readonly string[]): Promise<number> {
    const rows = await Promise.all(ids.map(async (id) => this.#run(id).done));
    return rows.reduce((sum, some) => sum + some, 0);
  }

  removed(ids: readonly string[]): number {
    return ids.reduce((sum, id) => sum + (this.#running.get(id)?.removed ?? 0), 0);
  }

  /** Stops between two transactions; the next process goes on. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([...this.#running.values()].map(async ({ done }) => done));
  }

  #run(id: string): { done: Promise<number>; removed: number } {
    const known = this.#running.get(id);
    if (known !== undefined) return known;
    const { signal } = this.#stopping;
    const run = { done: Promise.resolve(0), removed: 0 };
    run.done = this.#engine.runDrop(id, { signal, progress: (removed) => (run.removed = removed) });
    this.#running.set(id, run);
    run.done.then(
      () => this.#running.delete(id),
      (error: unknown) => {
        if (!signal.aborted) this.#die(error);
      },
    );
    return run;
  }
}
