import type { Engine } from "../../engines/contract.js";
import type { Entry, PolicySite } from "../../policy/document.js";
import type { Unwell } from "../../policy/unwell.js";
import { advance, levelAfter, NOT_RAMPED, type RampState } from "../../policy/level.js";
import type { EntryLevel } from "../protocol/access.js";
import type { Policy } from "./policy.js";

const TABLE = "ramps";
const LOOK_EVERY_MS = 200;

/** With the expiry it belongs to: an entry that was made to last longer has not ramped. */
interface Stored extends RampState {
  readonly expires: number;
}

export interface RampParts {
  readonly engine: Engine;
  readonly policy: Policy;
  /** What is the matter with the site; null where users may come back. */
  readonly unwell: (entry: Entry, site: PolicySite) => Promise<Unwell | null>;
  readonly die: (error: unknown) => void;
}

/**
 * Ends what has expired, by this node's own clock: users come back step by step while the site is well. Each step is stored before
 * it is taken, so that nothing of it is lost or done twice by a restart.
 */
export class Ramps {
  readonly #parts: RampParts;
  readonly #held = new Map<string, Unwell>();
  readonly #states = new Map<string, Stored>();
  #levels: number[] = [];
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;

  constructor(parts: RampParts) {
    this.#parts = parts;
    for (const { id, value } of parts.engine.documents<Stored>(TABLE)) this.#states.set(id, value);
    this.#renew();
    parts.policy.onChange(() => this.#renew());
  }

  /** The share of its users that each entry keeps away now, in the order of the document. */
  get levels(): readonly number[] {
    return this.#levels;
  }

  told(): EntryLevel[] {
    return this.#entries().map(({ id }, i) => ({
      entry: id,
      level: this.#levels[i]!,
      held: this.#held.has(id),
      unwell: this.#held.get(id) ?? null,
    }));
  }

  begin(): void {
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look()
        .catch(this.#parts.die)
        .finally(() => (this.#looking = null));
    }, LOOK_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const document = this.#parts.policy.document;
    if (document === null) return;
    await Promise.all(
      document.entries.map(async (entry) => {
        const state = this.#stateOf(entry);
        const now = Date.now();
        if (advance(entry, state, now, true) === state) return;
        const unwell =
          now < entry.expires ? null : await this.#parts.unwell(entry, document.sites[entry.site]!);
        const next = { ...advance(entry, state, now, unwell === null), expires: entry.expires };
        if (unwell === null)
          await this.#parts.engine.write((txn) => txn.putDocument(TABLE, entry.id, next));
        // Another document may have come meanwhile.
        if (!this.#entries().includes(entry)) return;
        this.#states.set(entry.id, next);
        if (unwell === null) this.#held.delete(entry.id);
        else this.#held.set(entry.id, unwell);
        this.#renewLevels();
      }),
    );
  }

  /** Forgets what is of no entry any more. */
  #renew(): void {
    const standing = new Map(this.#entries().map((entry) => [entry.id, entry]));
    const gone = [...this.#states]
      .filter(([id, { expires }]) => standing.get(id)?.expires !== expires)
      .map(([id]) => id);
    for (const id of gone) {
      this.#states.delete(id);
      this.#held.delete(id);
    }
    if (gone.length > 0) {
      const forget = this.#parts.engine.write((txn) => {
        for (const id of gone) txn.deleteDocument(TABLE, id);
      });
      forget.catch(this.#parts.die);
    }
    this.#renewLevels();
  }

  #renewLevels(): void {
    this.#levels = this.#entries().map((entry) => levelAfter(entry, this.#stateOf(entry).steps));
  }

  #stateOf({ id }: Entry): RampState {
    return this.#states.get(id) ?? NOT_RAMPED;
  }

  #entries(): readonly Entry[] {
    return this.#parts.policy.document?.entries ?? [];
  }
}
