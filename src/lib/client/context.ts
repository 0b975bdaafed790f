import { parseKey, positionOf, type Key } from "../keyspace/key.js";
import type { Position } from "../keyspace/segment.js";
import type { RouteTable } from "../routing/table.js";
import type { Admission } from "./admission.js";
import type { Lanes } from "./lanes.js";
import type { Metrics } from "./metrics.js";
import type { Settings } from "./options.js";
import type { RecentWrites } from "./recent-writes.js";
import type { Routes } from "./routes.js";
import type { Suspects } from "./suspects.js";
import type { Transport } from "./transport.js";

/** What the accesses of one client share. */
export interface Context {
  readonly settings: Settings;
  readonly transport: Transport;
  readonly routes: Routes;
  readonly admission: Admission;
  readonly lanes: Lanes;
  readonly metrics: Metrics;
  readonly recent: RecentWrites;
  readonly suspects: Suspects;
}

export interface Address {
  readonly keyspace: string;
  readonly key: Key;
  /** The key as text. */
  readonly text: string;
}

/** Throws OpsError `bad-key`. */
export function addressOf(keyspace: string, text: string): Address {
  return { keyspace, key: parseKey(text), text };
}

export function positionIn(table: RouteTable, { key }: Address): Position {
  return positionOf(table.sharding, key.uid);
}

export function dataPath({ keyspace, key }: Address): string {
  const name = key.name === null ? "" : `/${encodeURIComponent(key.name)}`;
  return `/v1/data/${encodeURIComponent(keyspace)}/${key.uid}${name}`;
}

/** Lanes are for all keyspaces together. */
export function laneOf(keyspace: string, text: string): string {
  return `${keyspace}/${text}`;
}

export function since(start: number): number {
  return performance.now() - start;
}
