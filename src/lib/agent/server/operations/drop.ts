import type { Txn } from "../../../engines/contract.js";
import { mayDrop } from "../../../ownership/permissions.js";
import type { Reign } from "../../../ownership/types.js";
import { AgentProblem } from "../../client/problem.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Holding } from "../holdings.js";
import type { Context, Kind, RequestOf } from "./context.js";
import { deleteParts } from "./delete-parts.js";
import { heldParts } from "./entries.js";
import { peerProblem } from "./peer-problem.js";

type Known = Pick<RequestOf<"drop">, "link" | "generation">;

const ASK_MS = 3_000;
/** Segments of which a peer is asked at once. */
const ASKED_AT_ONCE = 32;

/** Deletes copies and their links, once a primary elsewhere has said that it reigns. All parts of them, or none. */
export const drop: Kind<"drop"> = async (context, request, task) => {
  const { keyspace, also = [] } = request;
  const { holdings } = context;
  const parts = await heldParts(holdings, keyspace, [request, ...also]);
  const reigns = new Map<Holding, Reign | ProblemError>();
  const silent = new Map<string, ProblemError>();
  for (const some of groupsOf(parts, ASKED_AT_ONCE)) {
    task.signal.throwIfAborted();
    await Promise.all(
      some.map(async ({ part }) => {
        reigns.set(part, await reignOver(context, part, silent, task.signal));
      }),
    );
  }
  return deleteParts(
    context,
    request,
    task,
    parts.map(({ part }) => part),
    (txn) => {
      for (const { part, asked } of parts)
        check(txn, holdings.isCurrent(part), asked, part, reigns.get(part)!);
    },
  );
};

function groupsOf<T>(all: readonly T[], size: number): T[][] {
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** Throws `not-droppable`, or why nobody was found who reigns. */
function check(
  txn: Txn,
  current: boolean,
  { link, generation }: Known,
  part: Holding,
  reign: Reign | ProblemError,
): void {
  const where = `${part.keyspace} [${part.lo}, ${part.hi})`;
  const entry = txn.entry(part.keyspace, part.entry);
  if (entry === null || !current) throw notDroppable(`${where} is being cut or dropped`, true);
  const { durable, phase } = part.state;
  if (durable.generation > generation) {
    throw notDroppable(`${where} is at generation ${durable.generation}, later than ${generation}`);
  }
  if (link !== null && entry.link?.id !== link) {
    throw notDroppable(`${where} has the link ${entry.link?.id ?? "(none)"}, not ${link}`);
  }
  if (durable.role !== "follower" || phase.kind !== "idle") {
    throw notDroppable(`${where} is ${durable.role}, ${phase.kind}`);
  }
  if (reign instanceof ProblemError) throw reign;
  if (mayDrop(part.state, reign)) return;
  throw notDroppable(`${reign.node} reigns over ${where} at an older generation`, true);
}

/** Asks along the link and the routes who reigns over the segment now; else why nobody was found. Those who are `silent`, by url, are not asked again. */
async function reignOver(
  { peers, routes }: Context,
  part: Holding,
  silent: Map<string, ProblemError>,
  signal: AbortSignal,
): Promise<Reign | ProblemError> {
  const { keyspace, lo, hi } = part;
  const writer = routes.segmentAt(keyspace, lo)?.writer ?? null;
  const asked = new Map<string, string>();
  const source = part.entry.link?.source ?? null;
  if (source !== null) asked.set(source.url, source.node);
  const url = writer === null ? null : routes.urlOf(writer);
  if (writer !== null && url !== null) asked.set(url, writer);
  let failed: ProblemError | null = null;
  for (const [at, node] of asked) {
    failed = silent.get(at) ?? failed;
    if (silent.has(at)) continue;
    try {
      const patience = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]);
      const reign = await peers.reign(at, { keyspace, lo, hi }, patience);
      if (reign !== null) return reign;
    } catch (error) {
      if (!(error instanceof AgentProblem)) throw error;
      failed = peerProblem(node, error);
      if (error.status === 0) silent.set(at, failed);
    }
  }
  const where = `${keyspace} [${lo}, ${hi})`;
  return (
    failed ??
    notDroppable(`nobody who reigns over ${where} was found: this may be the only copy`, true)
  );
}

function notDroppable(detail: string, retryable = false): ProblemError {
  return new ProblemError(409, "not-droppable", detail, {
    retryable,
    hint: "See who holds what with `ops agent status`.",
  });
}
