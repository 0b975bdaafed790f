import { copiesSomething } from "../../plan/check/copied.js";
import { GATE_WINDOWS, ownSeconds, secondsOf } from "../../plan/estimate.js";
import { NOTHING } from "../../plan/size.js";
import type { ShardPlan, ShardStage, ShardStep } from "../../plan/types.js";
import { copiesOf, speedOf, type CopyInStage, type Speed } from "./copies.js";
import { sumOf, type Seen, type Span } from "./seen.js";

/** As good as not known: what is copied hardly moves. */
const NOBODY_WAITS_MS = 365 * 24 * 3_600_000;

/**
 * How long applying these stages will take still, milliseconds; null where that cannot be told: nothing is known of how much is to be
 * copied, or what is being copied stands still. What is measured goes before what was planned.
 */
export function remaining(plan: ShardPlan, all: readonly ShardStage[], seen: Seen): Span | null {
  // Nobody waits for the soak: the run then needs no process.
  const stages = all.filter(({ kind }) => kind !== "soak");
  const isCopy = copiesSomething(plan);
  const copies = new Map(stages.flatMap((stage) => copiesOf(stage, isCopy)));
  const speed = speedOf([...copies.values()], seen);
  const left = stages.flatMap((stage) => wavesLeft(stage, seen, copies, speed));
  const isUnknown = plan.estimate.basis === "unknown" && speed === null;
  if (isUnknown && [...copies.keys()].some((sync) => !seen.done.has(sync))) return null;
  if (left.includes(null)) return null;
  const span = sumOf(left.filter((one) => one !== null));
  return span.mostMs < NOBODY_WAITS_MS ? span : null;
}

/** What each wave takes still. */
function wavesLeft(
  stage: ShardStage,
  seen: Seen,
  copies: ReadonlyMap<string, CopyInStage>,
  speed: Speed | null,
): (Span | null)[] {
  const [least, most] = [1, GATE_WINDOWS].map((windows) =>
    stage.waves.reduce((sum, wave) => sum + plannedSeconds(wave, windows, copies), 0),
  ) as [number, number];
  const { seconds, mostSeconds } = stage.estimate;
  // What the plan knew beside its steps, such as rows to compare and network cards, goes over all waves of the stage alike.
  const scale = {
    leastMs: least > 0 ? (seconds / least) * 1000 : 0,
    mostMs: most > 0 ? (mostSeconds / most) * 1000 : 0,
  };
  return stage.waves.map((wave) => {
    const left = wave.filter(({ id }) => !seen.done.has(id));
    const own = ownSeconds(left);
    const longest = left.map((step) => stepLeft(step, seen, copies, speed, scale));
    if (longest.includes(null)) return null;
    const spans = longest.filter((span) => span !== null);
    const leastMs = Math.max(0, ...spans.map((span) => span.leastMs)) + own * scale.leastMs;
    const mostMs = Math.max(0, ...spans.map((span) => span.mostMs)) + own * scale.mostMs;
    return { leastMs, mostMs: Math.max(leastMs, mostMs) };
  });
}

function plannedSeconds(
  wave: readonly ShardStep[],
  windows: number,
  copies: ReadonlyMap<string, CopyInStage>,
): number {
  const longest = wave.map(
    (step) => copies.get(step.id)?.seconds ?? secondsOf(step, NOTHING, windows),
  );
  return Math.max(0, ...longest) + ownSeconds(wave);
}

/** What a step takes still, beside what every step takes. Null for what stands still. */
function stepLeft(
  step: ShardStep,
  { begun, live }: Seen,
  copies: ReadonlyMap<string, CopyInStage>,
  speed: Speed | null,
  scale: Span,
): Span | null {
  const forMs = begun.get(step.id) ?? 0;
  const copy = copies.get(step.id);
  const work = live.get(step.id);
  const total = work?.total ?? copy?.bytes ?? null;
  if (work && total !== null && work.done > 0 && total > 0) {
    const left = Math.max(0, total - work.done);
    if (left === 0) return { leastMs: 0, mostMs: 0 };
    if (work.rate === 0) return null;
    const rates = [work.rate ?? 0, forMs > 0 ? (work.done / forMs) * 1000 : 0].filter(
      (rate) => rate > 0,
    );
    if (rates.length === 0) return null;
    return {
      leastMs: (left / Math.max(...rates)) * 1000,
      mostMs: (left / Math.min(...rates)) * 1000,
    };
  }
  if (copy && speed !== null) {
    return {
      leastMs: Math.max(0, (copy.seconds / speed.highest) * 1000 - forMs),
      mostMs: Math.max(0, (copy.seconds / speed.lowest) * 1000 - forMs),
    };
  }
  const planned = (windows: number) => copy?.seconds ?? secondsOf(step, NOTHING, windows);
  return {
    leastMs: Math.max(0, planned(1) * scale.leastMs - forMs),
    mostMs: Math.max(0, planned(GATE_WINDOWS) * scale.mostMs - forMs),
  };
}
