import type { Engine, Txn } from "../../engines/contract.js";
import { overlapOf } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { lookup } from "../../routing/lookup.js";
import { DEFAULT_SETTINGS, type KeyspaceSettings } from "../../routing/settings.js";
import type { RouteSegment, RouteTable } from "../../routing/table.js";
import { decodeTable, encodeTable, type RouteTableWire } from "../../routing/wire.js";
import { ProblemError } from "../protocol/problem.js";

const TABLE = "routes";

/** The published route tables, as this node has stored them. */
export class Routes {
  readonly #engine: Engine;
  readonly #tables = new Map<string, RouteTable>();
  readonly #waiting = new Set<() => void>();
  readonly #listeners: (() => void)[] = [];
  #etag = "";

  constructor(engine: Engine) {
    this.#engine = engine;
    for (const { id, value } of engine.documents<unknown>(TABLE))
      this.#tables.set(id, decodeTable(value));
    this.#renewEtag();
  }

  get etag(): string {
    return this.#etag;
  }

  all(): RouteTable[] {
    return [...this.#tables.values()];
  }

  segmentAt(keyspace: string, position: bigint): RouteSegment | null {
    const table = this.#tables.get(keyspace);
    return table === undefined ? null : lookup(table, position);
  }

  domain(keyspace: string): Segment | null {
    return this.#tables.get(keyspace)?.domain ?? null;
  }

  /** Whether clients may be sent to a part of the segment, as far as is known here. */
  mayLeadTo(keyspace: string, segment: Segment): boolean {
    const table = this.#tables.get(keyspace);
    return table === undefined || (!table.withdrawn && overlapOf(table.domain, segment) !== null);
  }

  /** Those of a keyspace without routes are the defaults. */
  settings(keyspace: string): KeyspaceSettings {
    return this.#tables.get(keyspace)?.settings ?? DEFAULT_SETTINGS;
  }

  /** The region of a node, as the routes of the keyspace have it. */
  regionOf(keyspace: string, node: string): string | null {
    return this.#tables.get(keyspace)?.nodes[node]?.region ?? null;
  }

  /** The set of a node, as the routes of the keyspace have it. */
  setOf(keyspace: string, node: string): string | null {
    return this.#tables.get(keyspace)?.nodes[node]?.set ?? null;
  }

  /**
   * For how long a link of the keyspace between two nodes may hold changes back, ms: within a region not at all, nor where writes
   * wait for followers.
   */
  windowBetween(keyspace: string, one: string, other: string): number {
    const regions = [one, other].map((node) => this.regionOf(keyspace, node));
    const apart = !regions.includes(null) && regions[0] !== regions[1];
    const { ack, syncWindowMs } = this.settings(keyspace);
    return apart && ack === "local" ? syncWindowMs : 0;
  }

  /** Calls back after every table that is stored. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  urlOf(node: string): string | null {
    for (const table of this.#tables.values()) {
      const known = table.nodes[node];
      if (known !== undefined) return known.url;
    }
    return null;
  }

  /**
   * Stores a newer table, flushed. The stored one again is fine; an older one, or another of the same version, is `stale-routes`.
   * `admit` throws, in the transaction that stores it, when its sender may not.
   */
  async put(table: RouteTable, admit: (txn: Txn) => void): Promise<void> {
    const encoded = encodeTable(table);
    await this.#engine.write((txn) => {
      admit(txn);
      const known = txn.document<typeof encoded>(TABLE, table.keyspace);
      if (known !== null && known.version >= table.version) {
        if (known.version === table.version && isSame(known, encoded)) return;
        throw new ProblemError(
          409,
          "stale-routes",
          `version ${table.version} of the routes of ${table.keyspace} is not newer than ${known.version}, which is stored here`,
        );
      }
      txn.putDocument(TABLE, table.keyspace, encoded);
    });
    this.#tables.set(table.keyspace, table);
    this.#renewEtag();
    for (const wake of this.#waiting) wake();
    for (const listener of this.#listeners) listener();
  }

  /** Resolves when the tables differ from those of `etag`, or after `ms`, or when the signal aborts. */
  async differFrom(etag: string, ms: number, signal: AbortSignal): Promise<void> {
    if (this.#etag !== etag || ms <= 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#waiting.add(end);
      signal.addEventListener("abort", end);
    });
  }

  #renewEtag(): void {
    const versions = this.all()
      .map(({ keyspace, version }) => `${keyspace}:${version}`)
      .toSorted();
    this.#etag = versions.join(",");
  }
}

/** An earlier version may have stored it without the fields that are new. */
function isSame(stored: RouteTableWire, encoded: RouteTableWire): boolean {
  return JSON.stringify(encodeTable(decodeTable(stored))) === JSON.stringify(encoded);
}
