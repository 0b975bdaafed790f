import type { LinkStep, ShardStage, ShardStep } from "../../plan/types.js";
import { copyRate } from "../../plan/waves/copies.js";
import type { Seen } from "./seen.js";

/** A copy that a step waits for. */
export interface CopyInStage {
  readonly sync: string;
  readonly bytes: number;
  /** As far as its own limit goes. */
  readonly seconds: number;
}

/** Measured speed over planned speed of copies, by two measures. Above 0. */
export interface Speed {
  readonly lowest: number;
  readonly highest: number;
}

/** The copies of a stage, by the step that waits for each. */
export function copiesOf(
  { waves }: ShardStage,
  isCopy: (step: ShardStep) => step is LinkStep,
): [string, CopyInStage][] {
  return waves.flatMap((wave, i) => {
    const links = new Map((waves[i - 1] ?? []).filter(isCopy).map((link) => [keyOf(link), link]));
    return wave.flatMap((step): [string, CopyInStage][] => {
      const link = step.kind === "sync" ? links.get(keyOf(step)) : undefined;
      if (!link) return [];
      const bytes = Number(link.bytes);
      const seconds = bytes / copyRate(link.bytesPerSecond, [], new Map());
      return [[step.id, { sync: step.id, bytes, seconds }]];
    });
  });
}

/** How fast copies go: since each began, and of late. Null while none has got anywhere. */
export function speedOf(copies: readonly CopyInStage[], { done, begun, live }: Seen): Speed | null {
  let [planned, took, plannedRate, rate] = [0, 0, 0, 0];
  for (const { sync, bytes, seconds } of copies) {
    const part = live.get(sync);
    const whole = done.get(sync);
    if (bytes <= 0) continue;
    if (whole !== undefined) {
      if (whole === null) continue;
      planned += seconds;
      took += whole / 1000;
    } else if (part !== undefined && part.done > 0) {
      planned += (part.done / bytes) * seconds;
      took += (begun.get(sync) ?? 0) / 1000;
      if (part.rate === null || part.rate <= 0) continue;
      rate += part.rate;
      plannedRate += bytes / seconds;
    }
  }
  const speeds = [planned / took, rate / plannedRate].filter(
    (speed) => Number.isFinite(speed) && speed > 0,
  );
  return speeds.length === 0 ? null : { lowest: Math.min(...speeds), highest: Math.max(...speeds) };
}

function keyOf({ keyspace, node, segments }: Pick<LinkStep, "keyspace" | "node" | "segments">) {
  return JSON.stringify([keyspace, node, segments.map(({ lo, hi }) => [`${lo}`, `${hi}`])]);
}
