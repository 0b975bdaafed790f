import { EXIT } from "../../errors.js";
import { sortSegments } from "../../keyspace/map.js";
import { GATE_WINDOWS } from "../../plan/estimate.js";
import type { GateStep } from "../../plan/types.js";
import type { Gates } from "../../topology/types.js";
import { ask, askNode } from "../ask.js";
import type { RunContext } from "../context.js";
import { Interrupted, StepFailure, failure } from "../failure.js";
import { checkUrl } from "./check-url.js";
import type { StepHandler } from "./handler.js";
import { whyUnreadable } from "./readable.js";
import { durationText } from "../../figures.js";

/** What an agent remembers, seconds. */
const LONGEST_WINDOW = 300;

export const gate: StepHandler<GateStep> = {
  apply: async (context, step) => {
    const { id, keyspace, node, source, gates } = step;
    for (let window = 1; ; window += 1) {
      await watch(context, step, window);
      const seconds = Math.max(1, Math.min(LONGEST_WINDOW, gates.windowSeconds * window));
      const [mine, other] = await Promise.all(
        [node, source].map((of) =>
          ask(context, id, of, `tell its statistics of ${keyspace}`, (agent) =>
            agent.stats(keyspace, seconds),
          ),
        ),
      );
      const lagMs = await lagOf(context, step);
      const { problems, quiet } = judge(gates, mine!.reads, other!.reads, lagMs);
      problems.push(...(await missingCopies(context, step)));
      problems.push(...(await checkUrl(context, gates.checkUrl)));
      const facts = {
        node,
        source,
        seconds,
        reads: mine!.reads,
        sourceReads: other!.reads,
        lagMs,
        problems,
        quiet,
      };
      await context.journal.append({ type: "evidence", step: id, about: "gate", facts });
      context.emit({ type: "evidence", step: id, about: "gate", facts });
      if (problems.length > 0)
        throw new StepFailure(failure("gate", `${node}: ${problems.join("; ")}`), EXIT.partial);
      if (!quiet) return;
      if (window < GATE_WINDOWS) continue;
      if (gates.whenQuiet === "proceed") return;
      const few = `${node} had ${mine!.reads.count} reads of ${keyspace} in ${durationText(seconds * 1000)}, fewer than ${gates.minSamples}: nothing can be said`;
      throw new StepFailure(
        failure("gate-quiet", few, {
          hint: "policy.gates: lower minSamples, or set whenQuiet to proceed",
        }),
        EXIT.partial,
      );
    }
  },
  undo: null,
};

interface Reads {
  readonly count: number;
  readonly errors: number;
  readonly p99Ms: number;
}

/** What the gates have against the node; `quiet` when it had too few reads to say. */
function judge(
  gates: Gates,
  mine: Reads,
  source: Reads,
  lagMs: number | null,
): { problems: string[]; quiet: boolean } {
  const problems: string[] = [];
  if (lagMs === null) problems.push("how far it lags is not known");
  else if (lagMs > gates.maxLagMs)
    problems.push(`it lags ${durationText(lagMs)}, more than ${durationText(gates.maxLagMs)}`);
  const quiet = mine.count < gates.minSamples;
  if (quiet) return { problems, quiet };
  const errorRate = mine.count === 0 ? 0 : mine.errors / mine.count;
  if (errorRate > gates.maxErrorRate) {
    problems.push(
      `${percent(errorRate)} of its reads failed, more than ${percent(gates.maxErrorRate)}`,
    );
  }
  // Without enough reads at the source there is nothing to hold the latency against.
  if (
    source.count >= Math.max(1, gates.minSamples) &&
    mine.p99Ms > gates.p99FloorMs &&
    mine.p99Ms > source.p99Ms * gates.maxP99Ratio
  ) {
    problems.push(
      `its p99 is ${durationText(mine.p99Ms)}, more than ${gates.maxP99Ratio} times the source's ${durationText(source.p99Ms)}`,
    );
  }
  return { problems, quiet };
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100} %`;
}

async function watch(
  { clock, stop, emit }: RunContext,
  step: GateStep,
  window: number,
): Promise<void> {
  const phase = window === 1 ? "watching" : "still watching";
  const what = `reads of ${step.keyspace} on ${step.node} against ${step.source}`;
  emit({ type: "progress", step: step.id, what, like: "reads of new copies", phase });
  const left = AbortSignal.any([stop.stopping, stop.detached]);
  await clock.sleep(step.gates.windowSeconds * 1000, left);
  if (left.aborted) throw new Interrupted(stop.detached.aborted ? "detached" : "stopping");
}

/** What the node lacks of the segments that the gate's stage has it read in. */
async function missingCopies(
  context: RunContext,
  { id, keyspace, node }: GateStep,
): Promise<string[]> {
  const stage = context.plan.stages.find(({ waves }) =>
    waves.flat().some((step) => step.id === id),
  );
  const read = (stage?.waves.flat() ?? []).flatMap((step) =>
    step.kind === "readers" &&
    step.keyspace === keyspace &&
    step.after.some((reader) => reader.node === node && reader.weight > 0)
      ? step.segments
      : [],
  );
  const segments = sortSegments(read);
  const why = await whyUnreadable(context, id, { node, keyspace, segments });
  return why === null ? [] : [`it ${why}`];
}

/** The largest lag of the node's links in the keyspace; null when one of them does not know. 0 for a node without links. */
async function lagOf(
  context: RunContext,
  { id, keyspace, node }: GateStep,
): Promise<number | null> {
  const { entries } = await askNode(context, id, node);
  const lags = entries
    .filter((entry) => entry.keyspace === keyspace)
    .flatMap(({ link }) => (link === null ? [] : [link.lagMs]));
  return lags.every((lag) => lag !== null) ? Math.max(0, ...lags) : null;
}
