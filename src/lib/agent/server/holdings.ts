import type { Engine, StoredEntry } from "../../engines/contract.js";
import { contains, gaps, pieceAt, touching } from "../../keyspace/map.js";
import { restart } from "../../ownership/machine.js";
import type { LogPosition, State } from "../../ownership/types.js";
import { ProblemError } from "../protocol/problem.js";
import { LinkState } from "./link-state.js";

/** What this node holds of one segment while the process lives: the stored entry, and who it is for it. */
export class Holding {
  /** As last flushed. */
  entry: StoredEntry;
  state: State;
  link: LinkState;
  /** Its end is being stored (a split, a drop, a retract): nothing that changes its state may begin. */
  ending = false;
  /** The same for all parts of what was one holding: their histories go on. A new copy of the segment has another. */
  readonly origin: object;

  constructor(entry: StoredEntry, state: State, link: LinkState, origin: object) {
    this.entry = entry;
    this.state = state;
    this.link = link;
    this.origin = origin;
  }

  get keyspace(): string {
    return this.entry.keyspace;
  }
  get lo(): bigint {
    return this.entry.lo;
  }
  get hi(): bigint {
    return this.entry.hi;
  }
}

/** The holdings of this node, found by position. Mirrors the engine's flushed entries. */
export class Holdings {
  readonly #engine: Engine;
  #byKeyspace = new Map<string, Holding[]>();
  readonly #listeners = new Set<() => void>();
  /** One split at a time. */
  #splits: Promise<void> = Promise.resolve();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.refresh();
  }

  at(keyspace: string, position: bigint): Holding | null {
    return pieceAt(this.#byKeyspace.get(keyspace) ?? [], position);
  }

  all(): Holding[] {
    return [...this.#byKeyspace.values()].flat();
  }

  overlapping(keyspace: string, lo: bigint, hi: bigint): readonly Holding[] {
    return touching(this.#byKeyspace.get(keyspace) ?? [], { lo, hi });
  }

  /** The holdings in which every position of `[lo, hi)` lies; the first and the last may reach beyond. Throws `no-entry`. */
  covering(keyspace: string, lo: bigint, hi: bigint): readonly Holding[] {
    const found = this.overlapping(keyspace, lo, hi);
    if (gaps(found, { lo, hi }).length === 0) return found;
    throw noEntry(`all of ${keyspace} [${lo}, ${hi})`);
  }

  /** The holdings that together are exactly `[lo, hi)`. Throws `no-entry`. */
  exactly(keyspace: string, lo: bigint, hi: bigint): readonly Holding[] {
    const found = this.covering(keyspace, lo, hi);
    if (found[0]?.lo === lo && found.at(-1)?.hi === hi) return found;
    throw noEntry(`exactly ${keyspace} [${lo}, ${hi})`);
  }

  /** What is exactly `[lo, hi)`, cut there if it must be; none where the node holds nothing of it. Throws as `cut`. */
  async cutOrNone(keyspace: string, lo: bigint, hi: bigint): Promise<readonly Holding[]> {
    const found = this.overlapping(keyspace, lo, hi);
    if (found.length === 0) return [];
    return found.every((one) => contains({ lo, hi }, one))
      ? this.exactly(keyspace, lo, hi)
      : this.cut(keyspace, lo, hi, (parts) => parts);
  }

  /** Calls back after every refresh. Returns how to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether the holding is still the one of its segment and may change its state now. */
  isCurrent(holding: Holding): boolean {
    return !holding.ending && this.at(holding.keyspace, holding.lo) === holding;
  }

  /** Takes over what the engine has flushed; call it after each write that touched an entry. Parts of a split inherit. */
  refresh(): void {
    const next = new Map<string, Holding[]>();
    for (const entry of this.#engine.entries()) {
      const old = this.at(entry.keyspace, entry.lo);
      let holding: Holding;
      if (old !== null && old.lo === entry.lo && old.hi === entry.hi && !isAnother(old, entry)) {
        if (old.entry.link === null && entry.link !== null) old.link = LinkState.ofHandedOver();
        old.entry = entry;
        holding = old;
      } else if (old !== null && old.hi >= entry.hi && !isAnother(old, entry)) {
        holding = new Holding(entry, old.state, old.link.copy(), old.origin);
      } else {
        holding = new Holding(entry, restart(entry.ownership).state, new LinkState(), {});
      }
      const list = next.get(entry.keyspace);
      if (list === undefined) next.set(entry.keyspace, [holding]);
      else list.push(holding);
    }
    this.#byKeyspace = next;
    for (const listener of this.#listeners) listener();
  }

  /** The same for one holding in whose entry nothing has changed that others go by. */
  renew(holding: Holding): void {
    const entry = this.#engine.entryAt(holding.keyspace, holding.lo);
    if (entry?.lo === holding.lo && entry.hi === holding.hi) holding.entry = entry;
  }

  /**
   * Splits this node's entries at `lo` and `hi`, and runs `then` on what is exactly `[lo, hi)` afterwards, with no other
   * split in between. Throws `no-entry`, and `busy` while a takeover of an entry that must be split is under way.
   */
  async cut<T>(
    keyspace: string,
    lo: bigint,
    hi: bigint,
    then: (parts: readonly Holding[]) => T,
  ): Promise<T> {
    const turn = this.#splits.then(async () => {
      await this.#splitAt(keyspace, lo);
      await this.#splitAt(keyspace, hi);
      return then(this.exactly(keyspace, lo, hi));
    });
    this.#splits = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  async #splitAt(keyspace: string, at: bigint): Promise<void> {
    const holding = this.at(keyspace, at);
    if (holding === null || holding.lo === at) return;
    if (holding.state.phase.kind !== "idle" || holding.state.durable.role === "claiming") {
      throw new ProblemError(
        409,
        "busy",
        `a takeover of ${keyspace} [${holding.lo}, ${holding.hi}) is under way`,
        {
          retryable: true,
        },
      );
    }
    holding.ending = true;
    try {
      await this.#engine.write((txn) => txn.splitEntry(keyspace, at));
    } catch (error) {
      holding.ending = false;
      throw error;
    }
    this.refresh();
  }
}

/** Whether the entry is as `init` made it: neither written nor moved since, so nothing is lost with it. `cursor` as stored. */
export function isUntouched(
  { ownership, reigns }: StoredEntry,
  cursor: LogPosition | null,
): boolean {
  const begun = reigns[0]?.generation === ownership.generation;
  return ownership.role === "primary" && begun && cursor === null;
}

function noEntry(what: string): ProblemError {
  return new ProblemError(409, "no-entry", `this node does not hold ${what}`, {
    hint: "Look at its entries with GET /v1/node.",
  });
}

/** An entry that was removed and made again, in the same place, since the last refresh: nothing of the old one holds for it. */
function isAnother({ entry: old, state }: Holding, entry: StoredEntry): boolean {
  if (state.phase.kind !== "idle") return false;
  const [was, is] = [state.durable, entry.ownership];
  return was.role !== is.role || was.generation > is.generation || old.link?.id !== entry.link?.id;
}
