import { EXIT, OpsError } from "../../errors.js";
import type { LogPosition } from "../../ownership/types.js";
import type { EngineLimits, Place, StoredEntry } from "../contract.js";
import type { Delta } from "./delta.js";
import { decodeJson, encodeJson } from "./records.js";
import { endOf, entryKey, keyspaceKey } from "./state-keys.js";
import type { Tables } from "./tables.js";

/** What a write costs beside its bytes: keeps the number of writes in a transaction bounded too. */
const WRITE_COST = 64;
const MAX_KEYSPACES = 60_000;

/** What one work reads and writes, whatever it means: its delta over the tables, within the bounds of one transaction. */
export class Draft {
  readonly delta: Delta;
  readonly tables: Tables;
  readonly limits: EngineLimits;
  #ended = false;

  constructor(delta: Delta, tables: Tables, limits: EngineLimits) {
    this.delta = delta;
    this.tables = tables;
    this.limits = limits;
  }

  end(): void {
    this.#ended = true;
  }

  /** Of a keyspace by its id. */
  row(keyspace: number, place: Place): Buffer | null {
    const written = this.delta.rowAt(keyspace, place);
    if (written !== undefined) return written.value;
    return this.tables.rows.getBinary({ keyspace, place }) ?? null;
  }

  writeRow(keyspace: number, place: Place, value: Buffer | null): void {
    this.charge(place.length + (value?.length ?? 0));
    this.delta.rows.push({ keyspace, place, value });
  }

  state<T>(key: string): T | null {
    const written = this.delta.stateAt(key);
    const bytes = written === undefined ? this.tables.state.getBinary(key) : written;
    return bytes ? decodeJson<T>(bytes) : null;
  }

  /** By key, in order. */
  statesUnder<T>(prefix: string): [key: string, value: T][] {
    const found = new Map<string, Buffer>();
    for (const { key, value } of this.tables.state.getRange({
      start: prefix,
      end: endOf(prefix),
    })) {
      found.set(key, value);
    }
    for (const [key, value] of this.delta.stateWrites()) {
      if (!key.startsWith(prefix)) continue;
      if (value === null) found.delete(key);
      else found.set(key, value);
    }
    return [...found.keys()]
      .sort()
      .map((key) => [key, decodeJson<T>(found.get(key) ?? Buffer.from("null"))]);
  }

  writeState(key: string, value: unknown): void {
    const bytes = encodeJson(value);
    this.charge(bytes.length);
    this.delta.state.set(key, bytes);
  }

  deleteState(key: string): void {
    this.charge(0);
    this.delta.state.set(key, null);
  }

  storeEntry(entry: StoredEntry): void {
    this.writeState(entryKey(entry.keyspace, entry.lo), entry);
    this.delta.entries = this.delta.entries.with(entry);
  }

  forgetEntry(entry: StoredEntry): void {
    this.deleteState(entryKey(entry.keyspace, entry.lo));
    this.delta.entries = this.delta.entries.without(entry);
  }

  /** By `cursorKey`; null forgets it. */
  setCursor(key: string, at: LogPosition | null): void {
    this.charge(0);
    this.delta.cursors.set(key, at);
  }

  /** Throws `work-too-large`. */
  charge(bytes: number): void {
    if (this.#ended) throw new Error("the transaction has ended");
    this.delta.bytes += bytes + WRITE_COST;
    if (this.delta.bytes <= this.limits.workBytes) return;
    throw new OpsError(
      "work-too-large",
      EXIT.refused,
      `one transaction changes more than ${this.limits.workBytes} bytes`,
      { hint: "send less at a time" },
    );
  }

  /** The id of a keyspace, given out here where it has none yet. */
  keyspaceId(keyspace: string): number {
    const known = this.delta.keyspaces.get(keyspace);
    if (known !== undefined) return known;
    const id = this.delta.keyspaces.size + 1;
    if (id > MAX_KEYSPACES) {
      throw new OpsError(
        "too-many-keyspaces",
        EXIT.refused,
        `a node holds up to ${MAX_KEYSPACES} keyspaces`,
      );
    }
    this.writeState(keyspaceKey(keyspace), id);
    this.delta.keyspaces = new Map(this.delta.keyspaces).set(keyspace, id);
    return id;
  }
}
