import { setTimeout as sleep } from "node:timers/promises";
import type { Txn } from "../../../engines/contract.js";
import { segmentsOf } from "../../protocol/operation.js";
import type { Holding } from "../holdings.js";
import type { Task } from "../operations.js";
import type { Context, RequestOf } from "./context.js";
import { removeEntries } from "./entries.js";

const REPORT_MS = 500;

/**
 * Deletes the parts' entries, all or none, then their rows. `check` throws in the transaction when they may not be. The rows
 * told are those of deletions that were still under way: done again after a restart, it may find that all are gone.
 */
export async function deleteParts(
  context: Context,
  request: RequestOf<"drop" | "discard">,
  task: Task,
  parts: readonly Holding[],
  check: (txn: Txn) => void,
): Promise<{ rows: number }> {
  const { keyspace } = request;
  const { drops } = context;
  task.signal.throwIfAborted();
  await removeEntries(context, keyspace, parts, check, (txn, part) =>
    txn.startDrop(`${task.id}/${part.lo}`, keyspace, part.entry),
  );
  // Also those of an earlier drop that was cancelled: the range is free only when all have ended.
  const ids = drops.overlapping(keyspace, segmentsOf(request)).map(({ id }) => id);
  const finished = drops.finish(ids);
  const ended = finished.then(() => true);
  while (!(await Promise.race([ended, sleep(REPORT_MS, false, { signal: task.signal })]))) {
    task.report("deleting", { done: drops.removed(ids), total: null, unit: "rows", rate: null });
  }
  return { rows: await finished };
}
