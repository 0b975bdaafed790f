import { EXIT, OpsError } from "../../errors.js";
import type { LogPosition } from "../../ownership/types.js";
import type {
  Engine,
  EngineFacts,
  EngineLimits,
  EngineOptions,
  Place,
  StoredDrop,
  StoredEntry,
  Txn,
  View,
} from "../contract.js";
import { Committed } from "./committed.js";
import { GroupCommit } from "./group-commit.js";
import { lockDirectory } from "./lock.js";
import { decodeJson } from "./records.js";
import { cursorKey, documentKey, endOf, tablePrefix } from "./state-keys.js";
import { type TableStats, type Tables, openTables } from "./tables.js";
import { EmbeddedView } from "./view.js";

const LIMITS: EngineLimits = { keyBytes: 544, valueBytes: 4 << 20, workBytes: 16 << 20 };

/** Rows or records that one transaction deletes: a few milliseconds. */
const DELETE_BATCH = 2_000;

/** The engine on LMDB: one environment in `directory` for everything. */
export async function openEmbedded(directory: string, options: EngineOptions): Promise<Engine> {
  const unlock = lockDirectory(directory);
  try {
    return new EmbeddedEngine(openTables(directory), unlock, options);
  } catch (error) {
    unlock();
    throw error;
  }
}

class EmbeddedEngine implements Engine {
  readonly kind = "embedded";
  readonly limits = LIMITS;
  readonly #tables: Tables;
  readonly #committed: Committed;
  readonly #commits: GroupCommit;
  readonly #unlock: () => void;
  readonly #listeners = new Set<(last: bigint) => void>();
  readonly #views = new Set<EmbeddedView>();
  /** Drops under way in this process, by id. */
  readonly #dropping = new Map<string, Promise<number>>();
  #closed: Promise<void> | null = null;

  constructor(tables: Tables, unlock: () => void, options: EngineOptions) {
    this.#tables = tables;
    this.#unlock = unlock;
    this.#committed = Committed.load(tables);
    this.#commits = new GroupCommit(tables, this.#committed, LIMITS, {
      fatal: options.onFatal,
      flush: (before) => {
        const { last } = this.#committed;
        if (last > before.last) for (const listener of this.#listeners) listener(last);
      },
    });
  }

  write<T>(work: (txn: Txn) => T): Promise<T> {
    return this.#commits.run(work);
  }

  async settled(): Promise<void> {
    await this.#commits.settled();
  }

  read(): View {
    this.#checkOpen();
    const view = new EmbeddedView(this.#tables, this.#committed, (closed) =>
      this.#views.delete(closed),
    );
    this.#views.add(view);
    return view;
  }

  get(keyspace: string, place: Place): Buffer | null {
    this.#checkOpen();
    const id = this.#committed.keyspaces.get(keyspace);
    if (id === undefined) return null;
    return this.#tables.rows.getBinary({ keyspace: id, place }) ?? null;
  }

  entries(): readonly StoredEntry[] {
    return this.#committed.entries.all();
  }

  entryAt(keyspace: string, position: bigint): StoredEntry | null {
    return this.#committed.entries.at(keyspace, position);
  }

  cursor(keyspace: string, lo: bigint): LogPosition | null {
    return this.#committed.cursor(cursorKey(keyspace, lo));
  }

  log(): { readonly first: bigint; readonly last: bigint; readonly bytes: number } {
    this.#checkOpen();
    const { first, last } = this.#committed;
    return { first, last, bytes: bytesOf(this.#tables.log.getStats()) };
  }

  onCommit(listener: (last: bigint) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  document<T>(table: string, id: string): T | null {
    this.#checkOpen();
    const bytes = this.#tables.state.getBinary(documentKey(table, id));
    return bytes === undefined ? null : decodeJson<T>(bytes);
  }

  documents<T>(table: string): { readonly id: string; readonly value: T }[] {
    this.#checkOpen();
    const prefix = tablePrefix(table);
    return Array.from(
      this.#tables.state.getRange({ start: prefix, end: endOf(prefix) }),
      ({ key, value }) => ({ id: key.slice(prefix.length), value: decodeJson<T>(value) }),
    );
  }

  async trim(through: bigint, maxRecords: number): Promise<number> {
    let trimmed = 0;
    while (trimmed < maxRecords) {
      const limit = Math.min(DELETE_BATCH, maxRecords - trimmed);
      const removed = await this.#commits.run((txn) => txn.trim(through, limit));
      trimmed += removed;
      if (removed < limit) break;
    }
    return trimmed;
  }

  drops(): readonly StoredDrop[] {
    return this.#committed.drops.all();
  }

  runDrop(
    id: string,
    more: { signal?: AbortSignal; progress?: (removed: number) => void } = {},
  ): Promise<number> {
    const running = this.#dropping.get(id) ?? this.#drop(id, more);
    this.#dropping.set(id, running);
    const forget = (): void => void this.#dropping.delete(id);
    running.then(forget, forget);
    return running;
  }

  describe(): EngineFacts {
    this.#checkOpen();
    const rows = this.#tables.rows.getStats();
    const log = this.#tables.log.getStats();
    const state = this.#tables.state.getStats();
    const bytes = (rows.lastPageNumber + 1) * rows.root.pageSize;
    const used = [rows, log, state, rows.root, rows.free].map(bytesOf).reduce((a, b) => a + b, 0);
    return {
      engine: this.kind,
      bytes,
      freeBytes: Math.max(0, bytes - used),
      rows: rows.entryCount,
      logRecords: log.entryCount,
      logBytes: bytesOf(log),
      openViews: this.#views.size,
      queued: this.#commits.queued,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#commits.close();
    for (const view of this.#views) view.close();
    await this.#tables.root.close();
    this.#unlock();
  }

  async #drop(
    id: string,
    more: { signal?: AbortSignal; progress?: (removed: number) => void },
  ): Promise<number> {
    for (;;) {
      more.signal?.throwIfAborted();
      const { removed, done } = await this.#commits.run((txn) => {
        const drop = txn.drop(id);
        if (drop === null) {
          throw new OpsError("drop-unknown", EXIT.refused, `there is no drop ${id} to go on with`);
        }
        const wiped = txn.wipe(drop.keyspace, drop, DELETE_BATCH);
        const after = { ...drop, removed: drop.removed + wiped };
        if (wiped < DELETE_BATCH) txn.endDrop(drop);
        else txn.setDrop(after);
        return { removed: after.removed, done: wiped < DELETE_BATCH };
      });
      more.progress?.(removed);
      if (done) return removed;
    }
  }

  #checkOpen(): void {
    if (this.#closed === null) return;
    throw new OpsError("engine-closed", EXIT.failure, "the store is closed");
  }
}

function bytesOf(stats: TableStats): number {
  const { pageSize, treeBranchPageCount, treeLeafPageCount, overflowPages } = stats;
  return pageSize * (treeBranchPageCount + treeLeafPageCount + overflowPages);
}
