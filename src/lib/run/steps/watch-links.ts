import type { LinkStatus } from "../../agent/protocol/node.js";
import { EXIT } from "../../errors.js";
import { subtract } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { range } from "../../plan/say.js";
import { entriesIn } from "../ask.js";
import { unlessAborted } from "../clock.js";
import type { RunContext } from "../context.js";
import { StepFailure, asProblem, failure } from "../failure.js";

const EVERY_MS = 1_000;
const AGAIN_MS = 10_000;

interface Watched {
  readonly id: string;
  readonly keyspace: string;
  readonly segments: readonly Segment[];
  readonly node: string;
}

/** Says how the copies of a step go, until the signal is aborted. `onBroken`: one has been without its source for too long. */
export async function watchLinks(
  context: RunContext,
  step: Watched,
  signal: AbortSignal,
  onBroken: (why: StepFailure) => void,
): Promise<void> {
  const news = new News();
  for (;;) {
    await context.clock.sleep(EVERY_MS, signal);
    if (signal.aborted) return;
    try {
      const status = await unlessAborted(context.agents.of(step.node).node(), [signal]);
      const links = entriesIn(status, step.keyspace, step.segments).flatMap(
        ({ link }) => link ?? [],
      );
      if (links.length > 0 && !signal.aborted) tell(context, step, links, news);
      const broken = links.find(
        (link) => link.phase === "disconnected" && link.since > context.patience.brokenLinkMs,
      );
      if (broken !== undefined) {
        const message = `${step.node} cannot reach the source of ${range(step)}: ${broken.error ?? "no answer"}`;
        onBroken(
          new StepFailure(failure("link-broken", message, { outcome: "partial" }), EXIT.partial),
        );
      }
    } catch (error) {
      // The operation itself says what is wrong with the agent.
      if (!signal.aborted) asProblem(error);
    }
  }
}

/** The same again is told now and then only. */
class News {
  #last = "";
  #at = -Infinity;

  has(text: string, now: number): boolean {
    if (text === this.#last && now - this.#at < AGAIN_MS) return false;
    this.#last = text;
    this.#at = now;
    return true;
  }
}

function tell(
  { plan, emit, clock }: RunContext,
  step: Watched,
  links: readonly LinkStatus[],
  news: News,
): void {
  const slowest = links.reduce((a, b) =>
    ORDER.indexOf(a.phase) <= ORDER.indexOf(b.phase) ? a : b,
  );
  const done = links.reduce((sum, link) => sum + link.bytes, 0);
  const rate = links.reduce((sum, link) => sum + link.bytesPerSecond, 0);
  const lags = links.map(({ lagMs }) => lagMs);
  const total = Number(expectedBytes(plan, step));
  const copying = slowest.phase === "copying";
  const throttled = links.find(({ throttle }) => throttle.reason !== "none")?.throttle.reason;
  const error = links.find((link) => link.error !== null)?.error;
  if (!news.has(JSON.stringify([slowest.phase, done, throttled, error]), clock.now())) return;
  emit({
    type: "progress",
    step: step.id,
    what: `${range(step)} on ${step.node}`,
    like: `${step.keyspace} on ${step.node}`,
    phase: error ? `${slowest.phase} (${error})` : slowest.phase,
    done,
    unit: "bytes",
    inStateMs: slowest.since,
    ...(total > 0 ? { total: Math.max(total, done) } : {}),
    ...(copying ? { rate } : {}),
    ...(copying && rate > 0 && total > done ? { etaMs: ((total - done) / rate) * 1000 } : {}),
    ...(lags.every((lag) => lag !== null) ? { lagMs: Math.max(...lags) } : {}),
    ...(throttled === undefined
      ? {}
      : { throttled: throttled === "limit" ? "rate limit" : "foreground latency" }),
  });
}

const ORDER: readonly LinkStatus["phase"][] = [
  "disconnected",
  "copying",
  "catching-up",
  "streaming",
];

function expectedBytes(plan: RunContext["plan"], { keyspace, segments, node }: Watched): bigint {
  const steps = plan.stages.flatMap(({ waves }) => waves.flat());
  const found = steps.find(
    (step) =>
      step.kind === "link" &&
      step.node === node &&
      step.keyspace === keyspace &&
      step.segments.length === segments.length &&
      subtract(segments, step.segments).length === 0,
  );
  return found?.kind === "link" ? found.bytes : 0n;
}
