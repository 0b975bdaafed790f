import type { KeyspaceSettings } from "../routing/settings.js";
import type { Keyspace, Policy } from "../topology/types.js";

/** What the agents are to go by: only links of global status keyspaces may leave changes out. */
export function settingsOf(
  { class: kind, sync, ack }: Pick<Keyspace, "class" | "sync" | "ack">,
  { syncWindowMs }: Pick<Policy, "syncWindowMs">,
): KeyspaceSettings {
  return { ack, syncWindowMs: kind === "status" && sync === "global" ? syncWindowMs : 0 };
}
