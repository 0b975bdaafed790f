import type { Engine, StoredEntry, Txn } from "../../engines/contract.js";

const TABLE = "generations";

/**
 * The highest generation of anything of the keyspace that this node has deleted; 0 for none. One number a keyspace: higher than
 * need be for a segment that has moved less often than others, which costs nothing.
 */
export function deletedGeneration(store: Pick<Engine, "document"> | Txn, keyspace: string): bigint {
  return store.document<bigint>(TABLE, keyspace) ?? 0n;
}

/** In the transaction that deletes the entries: what the node reigned at is known to nobody afterwards. */
export function rememberGenerations(
  txn: Txn,
  keyspace: string,
  deleted: readonly StoredEntry[],
): void {
  const known = deletedGeneration(txn, keyspace);
  const highest = deleted.reduce(
    (most, { ownership: { generation } }) => (generation > most ? generation : most),
    known,
  );
  if (highest > known) txn.putDocument(TABLE, keyspace, highest);
}
