import type { StoredEntry, StoredLink } from "../../engines/contract.js";
import type { Durable } from "../../ownership/types.js";

/** The link that goes with a role. A primary follows nobody; whoever handed over follows its successor from where it stands. */
export function linkFor(
  entry: StoredEntry,
  durable: Durable,
  urlOf: (node: string) => string | null,
): StoredLink | null {
  if (durable.role === "primary") return null;
  if (entry.link !== null && entry.link.source.node === durable.source) return entry.link;
  const url = urlOf(durable.source);
  if (url === null) throw new Error(`no address is known of ${durable.source}`);
  const source = { node: durable.source, url };
  if (entry.link !== null) return { ...entry.link, source };
  if (durable.handed === null) throw new Error("a primary became a follower without handing over");
  return {
    id: `reverse-${durable.handed.attempt}`,
    source,
    purpose: "move",
    copy: { phase: "streaming", readableFrom: durable.handed.position },
    // Equal by construction: the successor had everything up to this position.
    verified: true,
    bytesPerSecond: null,
  };
}
