import type { ReceiversStep } from "../../../plan/users/types.js";
import type { Counted, Counts } from "../../../schedule/change/gates.js";
import { ReceiverWatch } from "../../../schedule/change/receiver-watch.js";
import { ask } from "../../ask.js";
import { type UserContext, statusOf, stopAtBoundary } from "../../context.js";
import { StepFailure, failure } from "../../failure.js";
import { isOver } from "../../journal/status.js";
import { checkUrl } from "../check-url.js";
import type { StepHandler } from "../handler.js";
import { ReceiverLooks, countsOf } from "./receiver-looks.js";

/** While users come, the receivers are looked at so often, or once in a window if that is shorter. */
const LOOK_MS = 1_000;
/** Whether the others of the wave are done is seen in the journal. */
const DONE_EVERY_MS = 50;
const BEFORE = "receivers-before";

export const receivers: StepHandler<ReceiversStep> = {
  apply: async (context, step) => {
    const { receivers: all, gates } = step;
    const watch = new ReceiverWatch(all, gates, await countedBefore(context, step));
    await whileUsersCome(context, step, watch);
    await context.clock.sleep(gates.windowSeconds * 1000, context.stop.stopping);
    stopAtBoundary(context);
    const counts = await countAll(context, step);
    const problems = [...watch.verdict(counts), ...(await checkUrl(context, gates.checkUrl))];
    await judged(context, step, counts, problems);
  },
  undo: null,
};

/**
 * As they stood before anybody was told. A run that was stopped by something else, or killed, goes on from there; one that was stopped
 * by its receivers begins anew: what they refused then is over.
 */
async function countedBefore(context: UserContext, step: ReceiversStep): Promise<Counts> {
  const noted = statusOf(context).steps.get(step.id)?.evidence;
  if (noted?.about === BEFORE)
    return new Map(Object.entries(noted.facts["gateways"] as unknown as Record<string, Counted>));
  const counts = await countAll(context, step);
  const facts = {
    gateways: Object.fromEntries([...counts].map(([node, of]) => [node, { ...of }])),
  };
  await context.journal.append({ type: "evidence", step: step.id, about: BEFORE, facts });
  return counts;
}

/** Looks at them until the other steps of the wave are done. */
async function whileUsersCome(
  context: UserContext,
  step: ReceiversStep,
  watch: ReceiverWatch,
): Promise<void> {
  const { clock, stop, plan } = context;
  const windowMs = step.gates.windowSeconds * 1000;
  const wave = plan.stages
    .flatMap(({ waves }) => waves)
    .find((one) => one.some(({ id }) => id === step.id))!;
  const isDone = () => wave.every(({ id }) => id === step.id || isOver(statusOf(context), id));
  const looks = new ReceiverLooks(context, step.receivers);
  const over = new AbortController();
  const stopping = AbortSignal.any([stop.stopping, over.signal]);
  let [lookAt, checkAt] = [clock.now(), clock.now() + windowMs];
  let ofUrl: string[] = [];
  /** Beside the looks: it may take seconds. The loop ends by itself when this is interrupted. */
  const check = async () => {
    checkAt = Infinity;
    const found = checkUrl({ stop: { ...stop, stopping } }, step.gates.checkUrl);
    ofUrl = await found.catch(() => []);
    checkAt = clock.now() + Math.max(LOOK_MS, windowMs);
  };
  try {
    while (!isDone()) {
      await clock.sleep(DONE_EVERY_MS, stop.stopping);
      stopAtBoundary(context);
      const now = clock.now();
      if (now < lookAt) continue;
      lookAt = now + Math.min(LOOK_MS, windowMs);
      if (now >= checkAt) void check();
      const counts = await looks.look();
      stopAtBoundary(context);
      const problems = [...watch.look(clock.now(), counts), ...looks.silent(), ...ofUrl];
      if (problems.length > 0) await judged(context, step, counts, problems);
    }
  } finally {
    over.abort();
  }
}

/** @throws StepFailure `receivers` where there are problems */
async function judged(
  context: UserContext,
  { id, receivers: all }: ReceiversStep,
  counts: Counts,
  problems: readonly string[],
): Promise<void> {
  const sites = all.map(({ site, nodes }) => {
    const sum = (of: (counted: Counted) => number) =>
      nodes.reduce((total, node) => total + of(counts.get(node) ?? NOTHING), 0);
    return {
      site,
      online: sum(({ online }) => online),
      logins: sum(({ logins }) => logins),
      refused: sum(({ refused }) => refused),
    };
  });
  const facts = { problems, sites };
  await context.journal.append({ type: "evidence", step: id, about: "receivers", facts });
  context.emit({ type: "evidence", step: id, about: "receivers", facts });
  if (problems.length === 0) return;
  const hint = "once they are well: ops run resume; or take it back: ops run rollback";
  throw new StepFailure(failure("receivers", problems.join("\n  "), { hint }));
}

const NOTHING: Counted = { online: 0, logins: 0, refused: 0, lateMs: null };

/** All of them, within the patience of the run. Throws StepFailure `unreachable`. */
async function countAll(context: UserContext, step: ReceiversStep): Promise<Counts> {
  const counted = await Promise.all(
    nodesOf(step).map(async (node) => {
      const answer = await ask(context, step.id, node, "count its sessions", (agent) =>
        agent.sessions(),
      );
      return [node, countsOf(answer)] as const;
    }),
  );
  return new Map(counted);
}

function nodesOf({ receivers: all }: ReceiversStep): string[] {
  return all.flatMap(({ nodes }) => nodes);
}
