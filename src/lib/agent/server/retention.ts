import { setImmediate as breathe } from "node:timers/promises";
import type { Engine } from "../../engines/contract.js";

export interface RetentionLimits {
  /** The log is cut down to this size, as far as followers allow. */
  readonly keepBytes: number;
  /** How long a follower that says nothing is waited for. */
  readonly silentMs: number;
  /** After a start followers get this long to come back before anything is trimmed. */
  readonly graceMs: number;
  readonly everyMs: number;
}

const LIMITS: RetentionLimits = {
  keepBytes: 64 * 1024 * 1024,
  silentMs: 10 * 60_000,
  graceMs: 60_000,
  everyMs: 5_000,
};
const TRIM_RECORDS = 50_000;

/** Keeps the change log for as long as a follower needs it, within a bound. */
export class Retention {
  readonly #engine: Engine;
  readonly #maxBytes: number;
  readonly #limits: RetentionLimits;
  /** By follower: what it holds durably, as a sequence of this node's log. */
  readonly #held = new Map<string, { through: bigint; at: number }>();
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #trimming = false;
  #closed = false;

  /** `maxBytes`: above it the log is trimmed whoever needs it; that follower then copies anew. */
  constructor(
    engine: Engine,
    maxBytes: number,
    die: (error: unknown) => void,
    limits: RetentionLimits = LIMITS,
  ) {
    this.#engine = engine;
    this.#maxBytes = maxBytes;
    this.#limits = limits;
    const round = () => {
      this.trim().catch((error: unknown) => {
        if (!this.#closed) die(error);
      });
    };
    this.#timer = setInterval(round, limits.everyMs).unref();
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** The follower `id` needs what comes after `through`. Only moves forward, except when it begins anew. */
  hold(id: string, through: bigint, anew: boolean): void {
    const known = this.#held.get(id);
    const kept = !anew && known !== undefined && known.through > through ? known.through : through;
    this.#held.set(id, { through: kept, at: performance.now() });
  }

  /** The follower `id` is still there. */
  renew(id: string): void {
    const known = this.#held.get(id);
    if (known !== undefined) known.at = performance.now();
  }

  followers(): { id: string; through: bigint }[] {
    return [...this.#held].map(([id, { through }]) => ({ id, through }));
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  async trim(): Promise<void> {
    const now = performance.now();
    const { silentMs, graceMs } = this.#limits;
    for (const [id, held] of this.#held) if (now - held.at > silentMs) this.#held.delete(id);
    if (this.#trimming || now - this.#startedAt < graceMs) return;
    this.#trimming = true;
    try {
      while (!this.#closed && (await this.#trimOnce()) === TRIM_RECORDS) await breathe();
    } finally {
      this.#trimming = false;
    }
  }

  /** How many records went. */
  async #trimOnce(): Promise<number> {
    const { keepBytes } = this.#limits;
    const { first, last, bytes } = this.#engine.log();
    const records = last - first + 1n;
    if (bytes <= keepBytes || records <= 0n) return 0;
    const perRecord = Math.max(1, bytes / Number(records));
    const upTo = (keep: number) => first + BigInt(Math.floor((bytes - keep) / perRecord)) - 1n;
    let through = upTo(keepBytes);
    for (const held of this.#held.values()) if (held.through < through) through = held.through;
    if (bytes > this.#maxBytes) through = max(through, upTo(this.#maxBytes));
    return through < first ? 0 : this.#engine.trim(through, TRIM_RECORDS);
  }
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
