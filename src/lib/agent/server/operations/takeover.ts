import { readable } from "../../../ownership/copy.js";
import { formatPosition, ORIGIN } from "../../../ownership/position.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Holding } from "../holdings.js";
import { randomToken } from "../ownership.js";
import type { Task } from "../operations.js";
import type { Context, Kind } from "./context.js";
import { setTimeout as sleep } from "node:timers/promises";

/** Copies that lag by more than this are not asked to take over, ms. */
const MOST_LAG_MS = 2_000;
const STREAMING_WAIT_MS = 5_000;

/** The node takes over the writes of a segment from the primary that it follows. */
export const takeover: Kind<"takeover"> = async (context, request, task) => {
  const { keyspace, lo, hi, generation, budgetMs } = request;
  const { holdings, engine } = context;
  const parts = await holdings.cut(keyspace, lo, hi, (found) => found);
  let [plannedMs, actualMs] = [0, 0];
  let known = true;
  for (const holding of parts) {
    if (await settled(context, holding, generation, task)) {
      known = false;
      continue;
    }
    await streaming(context, holding, task);
    const planned = predict(context, holding);
    if (planned > budgetMs) {
      throw new ProblemError(
        409,
        "not-ready",
        `the pause would take ${Math.round(planned)} ms, the budget is ${budgetMs} ms`,
        {
          retryable: true,
          hint: "Wait until the copy has caught up, or raise policy.takeover.budget.",
        },
      );
    }
    task.report("taking over");
    const began = performance.now();
    await claim(context, holding, request, task);
    plannedMs = Math.max(plannedMs, planned);
    actualMs = Math.max(actualMs, performance.now() - began);
  }
  const position = engine.cursor(keyspace, parts[0]!.lo) ?? ORIGIN;
  return {
    generation,
    plannedMs,
    actualMs: known ? actualMs : null,
    position: formatPosition(position),
  };
};

/** Whether the node reigns already. An open claim of an earlier try is waited for. Throws `wrong-generation`. */
async function settled(
  { ownership }: Context,
  holding: Holding,
  generation: bigint,
  task: Task,
): Promise<boolean> {
  const claim = holding.state.durable;
  if (claim.role === "claiming") {
    task.report("resolving");
    await abortable(ownership.outcomeOf(claim.attempt), task.signal);
  }
  const { durable } = holding.state;
  if (durable.role !== "primary") return false;
  if (durable.generation >= generation) return true;
  throw new ProblemError(
    409,
    "wrong-generation",
    `this node reigns at generation ${durable.generation} already`,
  );
}

async function claim(
  { ownership }: Context,
  holding: Holding,
  { generation, budgetMs }: { generation: bigint; budgetMs: number },
  task: Task,
): Promise<void> {
  const attempt = randomToken();
  const cancel = () => {
    task.report("resolving");
    ownership.dispatch(holding, { type: "cancel", attempt });
  };
  task.signal.addEventListener("abort", cancel, { once: true });
  const slow = setTimeout(() => task.report("resolving"), budgetMs * 2 + 1_000);
  try {
    const { outcome, why } = await ownership.takeover(holding, {
      attempt,
      next: generation,
      budgetMs,
      giveUpMs: budgetMs * 2,
    });
    if (outcome === "taken") return;
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
  { engine, links }: Context,
  holding: Holding,
  { signal }: Task,
): Promise<void> {
  const until = performance.now() + STREAMING_WAIT_MS;
  for (;;) {
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
                ? `it lags by ${lag === null ? "an unknown time" : `${Math.round(lag)} ms`}`
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

/** The write pause to expect: two round trips, three flushes, and what is still to be applied. */
function predict({ links, timings }: Context, holding: Holding): number {
  const catchUp = links.feedOf(holding)?.predictedCatchUpMs() ?? 0;
  return catchUp + 2 * timings.roundTripMs(holding.entry.link!.source.url) + 3 * timings.flushMs;
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
