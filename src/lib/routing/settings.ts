/** What the agents that hold a keyspace go by, beside who holds what. Travels with the route table. */
export interface KeyspaceSettings {
  /** When a write is acknowledged: flushed by its writer, or also by a follower in another set. */
  readonly ack: "local" | "follower";
  /** Links between regions send of each key the last value within so many milliseconds; 0: every change. */
  readonly syncWindowMs: number;
}

/** What tables and agents that do not know of settings go by. */
export const DEFAULT_SETTINGS: KeyspaceSettings = { ack: "local", syncWindowMs: 0 };

export function sameSettings(a: KeyspaceSettings, b: KeyspaceSettings): boolean {
  return a.ack === b.ack && a.syncWindowMs === b.syncWindowMs;
}
