import type { StoredEntry, Txn } from "../../../engines/contract.js";
import type { Segment } from "../../../keyspace/segment.js";
import { ORIGIN } from "../../../ownership/position.js";
import { declareSharding } from "../data/shardings.js";
import { rememberGenerations } from "../generations.js";
import type { Holding, Holdings } from "../holdings.js";
import type { Context, RequestOf } from "./context.js";
import { occupied } from "./occupied.js";

/** Makes entries of segments of which the node holds nothing. Throws `occupied`, `other-sharding`. */
export function makeEntries(
  context: Context,
  txn: Txn,
  { keyspace, sharding }: Pick<RequestOf<"init" | "link">, "keyspace" | "sharding">,
  segments: readonly Segment[],
  entry: Pick<StoredEntry, "ownership" | "link">,
): void {
  occupied(context, txn, keyspace, segments);
  declareSharding(txn, keyspace, sharding);
  for (const { lo, hi } of segments)
    txn.putEntry({ keyspace, lo, hi, ...entry, floor: ORIGIN, reigns: [] });
}

/** What the node holds of the segments, cut where they begin and end, each part with the segment that was asked for. */
export async function heldParts<S extends Segment>(
  holdings: Holdings,
  keyspace: string,
  segments: readonly S[],
): Promise<{ readonly part: Holding; readonly asked: S }[]> {
  const parts: { part: Holding; asked: S }[] = [];
  for (const asked of segments) {
    for (const part of await holdings.cutOrNone(keyspace, asked.lo, asked.hi))
      parts.push({ part, asked });
  }
  return parts;
}

/**
 * Deletes the parts' entries, all or none. `check` throws in the transaction when they may not be; `also` is done in it for each.
 */
export async function removeEntries(
  { engine, holdings }: Context,
  keyspace: string,
  parts: readonly Holding[],
  check: (txn: Txn) => void,
  also: (txn: Txn, part: Holding) => void = () => undefined,
): Promise<void> {
  const marked: Holding[] = [];
  try {
    await engine.write((txn) => {
      check(txn);
      rememberGenerations(
        txn,
        keyspace,
        parts.map(({ entry }) => entry),
      );
      for (const part of parts) {
        part.ending = true;
        marked.push(part);
        txn.deleteEntry(keyspace, part.entry);
        also(txn, part);
      }
    });
  } catch (error) {
    // Only those marked here: another one may be ending for a reason of its own.
    for (const part of marked) part.ending = false;
    throw error;
  }
  holdings.refresh();
}
