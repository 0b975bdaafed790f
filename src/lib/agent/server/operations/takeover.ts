import { setTimeout as sleep } from "node:timers/promises";
import { readable } from "../../../ownership/copy.js";
import { reignAbove } from "../../../ownership/permissions.js";
import { formatPosition, ORIGIN } from "../../../ownership/position.js";
import { segmentsOf } from "../../protocol/operation.js";
import { ProblemError } from "../../protocol/problem.js";
import { deletedGeneration } from "../generations.js";
import type { Holding } from "../holdings.js";
import { randomToken } from "../ownership.js";
import type { Task } from "../operations.js";
import type { Context, Kind, RequestOf } from "./context.js";
import { durationText } from "../../../figures.js";

/** Copies that lag by more than this are not asked to take over, ms. */
const MOST_LAG_MS = 2_000;
const STREAMING_WAIT_MS = 5_000;

/** The node takes over the writes of segments from the primary that it follows, one entry after the other. */
export const takeover: Kind<"takeover"> = async (context, request, task) => {
  const { keyspace } = request;
  const { holdings, engine } = context;
  // Where the node reigns already, as after a replay, nothing is cut.
  const reigns = ({ state }: Holding) => state.durable.role === "primary";
  const parts: Part[] = [];
  for (const { lo, hi } of segmentsOf(request)) {
    if (!holdings.overlapping(keyspace, lo, hi).every(reigns)) {
      await holdings.cut(keyspace, lo, hi, () => undefined);
    }
    const held = holdings.exactly(keyspace, lo, hi);
    parts.push(...held.map(({ lo: from, hi: to }) => ({ lo: from, hi: to })));
  }
  const done: Pause[] = [];
  /** Also those of which an earlier try made this node the primary. */
  let taken = 0;
  for (const part of parts) {
    try {
      task.signal.throwIfAborted();
      const already = await settled(context, part, request, task);
      if (!already) done.push(await takeOver(context, part, request, task));
      taken += 1;
    } catch (error) {
      if (taken === 0 || !(error instanceof ProblemError)) throw error;
      const { status, code, detail = code } = error.problem;
      throw new ProblemError(
        status,
        code,
        `${detail}; ${taken} of ${parts.length} parts have been taken over`,
        {
          ...error.problem,
          outcome: "partial",
        },
      );
    }
  }
  const [first] = parts as [Part, ...Part[]];
  const position = engine.cursor(keyspace, first.lo) ?? ORIGIN;
  const most = (of: (pause: Pause) => number) =>
    done.length === parts.length ? Math.max(...done.map(of)) : null;
  return {
    generation: current(context, keyspace, first).state.durable.generation,
    plannedMs: most(({ plannedMs }) => plannedMs),
    // Not known of a part that an earlier process took over.
    actualMs: most(({ actualMs }) => actualMs),
    position: formatPosition(position),
    pauses: done,
  };
};

interface Part {
  readonly lo: bigint;
  readonly hi: bigint;
}

interface Pause extends Part {
  readonly plannedMs: number;
  readonly actualMs: number;
}

/** The part as it is held now. Throws `busy` when it has been cut or dropped meanwhile. */
function current({ holdings }: Context, keyspace: string, part: Part): Holding {
  const holding = holdings.at(keyspace, part.lo);
  if (holding !== null && holding.hi === part.hi && holdings.isCurrent(holding)) return holding;
  throw new ProblemError(
    409,
    "busy",
    `${keyspace} [${part.lo}, ${part.hi}) was cut or dropped meanwhile`,
    {
      retryable: true,
    },
  );
}

async function takeOver(
  context: Context,
  part: Part,
  request: RequestOf<"takeover">,
  task: Task,
): Promise<Pause> {
  const { keyspace, budgetMs } = request;
  await streaming(context, keyspace, part, task);
  // What is held back would be applied while the writes wait.
  await context.links.feedOf(current(context, keyspace, part))?.hurry(task.signal);
  const holding = current(context, keyspace, part);
  const plannedMs = predict(context, holding);
  if (plannedMs > budgetMs) {
    throw new ProblemError(
      409,
      "not-ready",
      `the pause would take ${durationText(plannedMs)}, the budget is ${durationText(budgetMs)}`,
      {
        retryable: true,
        hint: "Wait until the copy has caught up, or raise policy.takeover.budget.",
      },
    );
  }
  task.report("taking over");
  return { ...part, plannedMs, actualMs: await claim(context, holding, request, task) };
}

/** Whether the node reigns already. An open claim of an earlier try is waited for. Throws `wrong-generation`. */
async function settled(
  context: Context,
  part: Part,
  { keyspace, generation }: RequestOf<"takeover">,
  task: Task,
): Promise<boolean> {
  const claim = current(context, keyspace, part).state.durable;
  if (claim.role === "claiming") {
    task.report("resolving");
    await abortable(context.ownership.outcomeOf(claim.attempt), task.signal);
  }
  const { durable } = current(context, keyspace, part).state;
  if (durable.role !== "primary") return false;
  if (durable.generation >= generation) return true;
  throw new ProblemError(
    409,
    "wrong-generation",
    `this node reigns at generation ${durable.generation} already`,
  );
}

/** Resolves with the write pause, ms: from the request for the fence to the first write that could be taken. */
async function claim(
  { engine, ownership }: Context,
  holding: Holding,
  { generation, budgetMs }: { generation: bigint; budgetMs: number },
  task: Task,
): Promise<number> {
  const attempt = randomToken();
  const cancel = () => {
    task.report("resolving");
    ownership.dispatch(holding, { type: "cancel", attempt });
  };
  task.signal.addEventListener("abort", cancel, { once: true });
  const slow = setTimeout(() => task.report("resolving"), budgetMs * 2 + 1_000);
  try {
    const { outcome, why, pauseMs } = await ownership.takeover(holding, {
      attempt,
      next: reignAbove(deletedGeneration(engine, holding.keyspace), generation),
      budgetMs,
      giveUpMs: budgetMs * 2,
    });
    if (outcome === "taken") return pauseMs;
    throw new ProblemError(
      409,
      why === "wrong-generation" ? why : "aborted",
      `the takeover did not happen: ${why ?? outcome}`,
      {
        retryable: why !== "wrong-generation",
        hint: "The old writer goes on as before.",
      },
    );
  } finally {
    clearTimeout(slow);
    task.signal.removeEventListener("abort", cancel);
  }
}

/** Waits a little for a link that a split has just made ask anew. Throws `not-ready`. */
async function streaming(
  context: Context,
  keyspace: string,
  part: Part,
  { signal }: Task,
): Promise<void> {
  const { engine, links } = context;
  const until = performance.now() + STREAMING_WAIT_MS;
  for (;;) {
    const holding = current(context, keyspace, part);
    const { link } = holding.entry;
    const cursor = engine.cursor(holding.keyspace, holding.lo) ?? ORIGIN;
    const lag = holding.link.lagMs();
    const why =
      link === null
        ? "it follows nobody"
        : !link.verified
          ? "its copy has not been verified"
          : !readable(link.copy, cursor)
            ? "its copy is not complete"
            : holding.link.phase !== "streaming" ||
                (links.feedOf(holding)?.predictedCatchUpMs() ?? null) === null
              ? `its link is ${holding.link.phase}`
              : lag === null || lag > MOST_LAG_MS
                ? `it lags by ${lag === null ? "an unknown time" : durationText(lag)}`
                : null;
    if (why === null) return;
    if (link === null || !link.verified || performance.now() > until) {
      throw new ProblemError(
        409,
        "not-ready",
        `${holding.keyspace} [${holding.lo}, ${holding.hi}): ${why}`,
        { retryable: true },
      );
    }
    await sleep(5, undefined, { signal });
  }
}

/** The write pause to expect: two round trips, four flushes, and what is still to be applied. */
function predict({ links, timings }: Context, holding: Holding): number {
  const catchUp = links.feedOf(holding)?.predictedCatchUpMs() ?? 0;
  return catchUp + 2 * timings.roundTripMs(holding.entry.link!.source.url) + 4 * timings.flushMs;
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return Promise.race([
    work,
    new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
    ),
  ]);
}
