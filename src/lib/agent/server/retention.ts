import type { Engine } from "../../engines/contract.js";

/** The log is cut down to this size, as far as followers allow. */
const KEEP_BYTES = 64 * 1024 * 1024;
/** How long a follower that says nothing is waited for. */
const SILENT_MS = 10 * 60_000;
/** After a start followers get this long to come back before anything is trimmed. */
const GRACE_MS = 60_000;
const TRIM_RECORDS = 50_000;
const EVERY_MS = 5_000;

/** Keeps the change log for as long as a follower needs it, within a bound. */
export class Retention {
  readonly #engine: Engine;
  readonly #maxBytes: number;
  /** By follower: what it holds durably, as a sequence of this node's log. */
  readonly #held = new Map<string, { through: bigint; at: number }>();
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #trimming = false;

  /** `maxBytes`: above it the log is trimmed whoever needs it; that follower then copies anew. */
  constructor(engine: Engine, maxBytes: number, die: (error: unknown) => void) {
    this.#engine = engine;
    this.#maxBytes = maxBytes;
    this.#timer = setInterval(() => void this.trim().catch(die), EVERY_MS).unref();
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
    clearInterval(this.#timer);
  }

  async trim(): Promise<void> {
    if (this.#trimming || performance.now() - this.#startedAt < GRACE_MS) return;
    this.#trimming = true;
    try {
      const { first, last, bytes } = this.#engine.log();
      const records = last - first + 1n;
      if (bytes <= KEEP_BYTES || records <= 0n) return;
      const perRecord = Math.max(1, bytes / Number(records));
      const upTo = (keep: number) => first + BigInt(Math.floor((bytes - keep) / perRecord)) - 1n;
      let through = upTo(KEEP_BYTES);
      const now = performance.now();
      for (const [id, held] of this.#held) {
        if (now - held.at > SILENT_MS) this.#held.delete(id);
        else if (held.through < through) through = held.through;
      }
      if (bytes > this.#maxBytes) through = max(through, upTo(this.#maxBytes));
      if (through >= first) await this.#engine.trim(through, TRIM_RECORDS);
    } finally {
      this.#trimming = false;
    }
  }
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
