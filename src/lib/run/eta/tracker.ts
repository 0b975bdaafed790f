import type { ShardPlan, ShardStage } from "../../plan/types.js";
import type { RunContext } from "../context.js";
import type { RunEvent, StepProgress } from "../events.js";
import { remaining } from "./remaining.js";
import type { Live, Seen, Span } from "./seen.js";

/** Between two words about the time that is left, milliseconds, but for the beginning of a stage. */
const EVERY_MS = 5_000;
/** Over which a rate is measured, milliseconds: at least, for it to count, and at most. */
const WINDOW_MS = { least: 3_000, most: 15_000 };

/** The same run; it says now and then how long these stages will take still. `isDone`: steps that were done before. */
export function tellingRemaining(
  context: RunContext,
  plan: ShardPlan,
  stages: readonly ShardStage[],
  isDone: (step: string) => boolean,
): RunContext {
  const { clock, emit } = context;
  const tracker = new Tracker(plan, stages, isDone);
  let toldAt = -Infinity;
  return {
    ...context,
    emit: (event) => {
      emit(event);
      const now = clock.now();
      tracker.take(event, now);
      const isDue = event.type === "progress" || event.type === "step";
      const isStage = event.type === "stage" && event.state === "entered";
      if (!isStage && !(isDue && now - toldAt >= EVERY_MS)) return;
      toldAt = now;
      const { leastMs, mostMs } = tracker.left(now) ?? { leastMs: null, mostMs: null };
      emit({ type: "remaining", leastMs, mostMs });
    },
  };
}

interface Sample {
  readonly at: number;
  readonly done: number;
}

/** What the events of a run say about its steps. */
class Tracker {
  readonly #plan: ShardPlan;
  readonly #stages: readonly ShardStage[];
  readonly #begun = new Map<string, number>();
  readonly #done = new Map<string, number | null>();
  readonly #progress = new Map<string, StepProgress>();
  readonly #samples = new Map<string, Sample[]>();

  constructor(plan: ShardPlan, stages: readonly ShardStage[], isDone: (step: string) => boolean) {
    this.#plan = plan;
    this.#stages = stages;
    const steps = stages.flatMap(({ waves }) => waves.flat());
    for (const { id } of steps) if (isDone(id)) this.#done.set(id, null);
  }

  take(event: RunEvent, now: number): void {
    if (event.type === "step" && event.state === "begun") this.#begun.set(event.step, now);
    if (event.type === "step" && event.state === "done") {
      this.#done.set(event.step, now - (this.#begun.get(event.step) ?? now));
      for (const of of [this.#begun, this.#progress, this.#samples]) of.delete(event.step);
    }
    if (event.type === "progress") {
      const { step, done } = event;
      this.#progress.set(step, event);
      if (done === undefined) return;
      const samples = this.#samples.get(step) ?? [];
      samples.push({ at: now, done });
      this.#samples.set(step, samples);
      while (samples.length > 2 && samples[1]!.at <= now - WINDOW_MS.most) samples.shift();
    }
  }

  left(now: number): Span | null {
    const begun = new Map([...this.#begun].map(([step, at]) => [step, now - at]));
    const live = new Map([...this.#progress].flatMap(([step, one]) => this.#live(step, one)));
    const seen: Seen = { done: this.#done, begun, live };
    return remaining(this.#plan, this.#stages, seen);
  }

  #live(step: string, { done, total, rate }: StepProgress): [string, Live][] {
    if (done === undefined) return [];
    const samples = this.#samples.get(step)!;
    const [first, last] = [samples[0]!, samples.at(-1)!];
    const ms = last.at - first.at;
    // Between two segments of a copy an agent says 0 for a moment.
    const said = rate === undefined || rate <= 0 ? null : rate;
    const measured =
      ms < WINDOW_MS.least ? said : Math.max(0, ((last.done - first.done) / ms) * 1000);
    return [[step, { done, total: total ?? null, rate: measured }]];
  }
}
