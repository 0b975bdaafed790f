import { mayDrop } from "../../../ownership/permissions.js";
import type { Reign } from "../../../ownership/types.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Holding } from "../holdings.js";
import type { Task } from "../operations.js";
import { type Context, type Kind } from "./context.js";

const ASK_MS = 3_000;

/** Deletes a copy and its link, once a primary elsewhere has said that it reigns. */
export const drop: Kind<"drop"> = async (context, request, task) => {
  const { keyspace, lo, hi } = request;
  const { engine, holdings, links } = context;
  const begun = engine.drops().some(({ id }) => id.startsWith(`${task.id}/`));
  // An earlier process may have got through some of the parts.
  const parts = begun
    ? holdings.overlapping(keyspace, lo, hi)
    : holdings.exactlyOrNone(keyspace, lo, hi);
  for (const part of parts) await forget(context, request, part, task);
  holdings.refresh();
  links.reconcile();
  let rows = 0;
  for (const { id } of engine.drops()) {
    if (!id.startsWith(`${task.id}/`)) continue;
    rows += await engine.runDrop(id, {
      signal: task.signal,
      progress: (removed) =>
        task.report("deleting", { done: rows + removed, total: null, unit: "rows", rate: null }),
    });
  }
  return { rows };
};

/** Removes the entry and records that its rows must go, in one transaction. Throws `not-droppable`. */
async function forget(
  context: Context,
  { link, generation }: { link: string | null; generation: bigint },
  part: Holding,
  task: Task,
): Promise<void> {
  const { keyspace } = part;
  const where = `${keyspace} [${part.lo}, ${part.hi})`;
  if (part.state.durable.generation > generation) {
    throw notDroppable(
      `${where} is at generation ${part.state.durable.generation}, later than ${generation}`,
    );
  }
  const reign = await reignOver(context, part);
  await context.engine.write((txn) => {
    const entry = txn.entry(keyspace, part.entry);
    if (entry === null) throw notDroppable(`${where} is not held in one piece any more`);
    if (link !== null && entry.link?.id !== link)
      throw notDroppable(`${where} has the link ${entry.link?.id ?? "(none)"}, not ${link}`);
    if (part.splitting || !mayDrop(part.state, reign)) {
      const { durable, phase } = part.state;
      throw notDroppable(
        durable.role !== "follower" || phase.kind !== "idle"
          ? `${where} is ${durable.role}, ${phase.kind}`
          : `nobody who reigns over ${where} was found: this may be the only copy`,
      );
    }
    txn.deleteEntry(keyspace, entry);
    txn.startDrop(`${task.id}/${entry.lo}`, keyspace, entry);
  });
}

/** Asks along the links and the routes who reigns over the segment now. */
async function reignOver({ peers, routes }: Context, part: Holding): Promise<Reign | null> {
  const { keyspace, lo, hi } = part;
  const route = routes.segmentAt(keyspace, lo);
  const urls = [
    part.entry.link?.source.url ?? null,
    route === null ? null : routes.urlOf(route.writer),
  ];
  const asked = new Set<string>();
  for (const url of urls) {
    if (url === null || asked.has(url)) continue;
    asked.add(url);
    const reign = await peers.reign(url, { keyspace, lo, hi }, ASK_MS).catch(() => null);
    if (reign !== null) return reign;
  }
  return null;
}

function notDroppable(detail: string): ProblemError {
  return new ProblemError(409, "not-droppable", detail, {
    hint: "See who holds what with `ops agent status`.",
  });
}
