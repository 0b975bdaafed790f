import { setTimeout as sleep } from "node:timers/promises";
import type { Engine, View } from "../../engines/contract.js";
import { comparePositions, ORIGIN } from "../../ownership/position.js";
import type { LogPosition } from "../../ownership/types.js";
import type { Holding } from "./holdings.js";
import type { Halt, Pending } from "./pending.js";

/** What is applied of a stream while somebody waits for a position. */
interface Applied {
  readonly engine: Engine;
  readonly pending: Pending;
  /** Starts to apply what may be applied. */
  readonly apply: () => void;
  /** Null while nothing is being applied. */
  readonly applying: () => Promise<void> | null;
}

/** Stops a stream at exact positions, one after the other, to pin views there. */
export class Pins {
  readonly #applied: Applied;
  #turns: Promise<unknown> = Promise.resolve();

  constructor(applied: Applied) {
    this.#applied = applied;
  }

  /**
   * Stops applying, learns from `ask` at which position of the holding to stop, and where the source's log ended then, applies exactly
   * up to there and resolves with a view pinned at it. Null when this copy is past it. What follows is applied as soon as the view is
   * pinned.
   */
  async at(
    holding: Holding,
    ask: () => Promise<{ readonly position: LogPosition; readonly head: bigint }>,
    signal: AbortSignal,
  ): Promise<View | null> {
    const { pending, apply, applying } = this.#applied;
    const turn = this.#turns.then(async () => {
      const halt: Halt = {
        member: holding,
        until: null,
        head: 0n,
        reached: false,
        passed: false,
      };
      pending.halt = halt;
      try {
        await applying();
        const { position, head } = await ask();
        halt.head = head;
        halt.until = position;
        return await this.#pinned(halt, position, signal);
      } finally {
        pending.halt = null;
        apply();
      }
    });
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  async #pinned(halt: Halt, until: LogPosition, signal: AbortSignal): Promise<View | null> {
    const { engine, apply, applying } = this.#applied;
    const { keyspace, lo } = halt.member;
    for (;;) {
      signal.throwIfAborted();
      const cursor = engine.cursor(keyspace, lo) ?? ORIGIN;
      const order = comparePositions(cursor, until);
      if (order > 0 || halt.passed) return null;
      if (order === 0 || halt.reached) {
        const view = engine.read();
        // A view may be of a commit before the last one that the engine has told of.
        const seen = view.cursor(keyspace, lo) ?? ORIGIN;
        if (comparePositions(seen, cursor) === 0) return view;
        view.close();
        await sleep(1, undefined, { signal });
        continue;
      }
      apply();
      if (halt.reached || halt.passed) continue;
      await (applying() ?? sleep(2, undefined, { signal }));
    }
  }
}
