import { pieceAt, sortSegments, touching, type SegmentMap } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { asHoldings, copiesOf, type Owner } from "../holdings.js";
import type { ShardPlan, PlanKeyspace, ShardStep } from "../types.js";
import { modelOf } from "./state.js";

/** A step that the model takes, and the wave that it belongs to, both counted from the plan's beginning. */
export interface Placed {
  readonly at: number;
  readonly wave: number;
  readonly step: Extract<ShardStep, { readonly keyspace: string }>;
}

/** Positions of which nothing reaches beyond them, and what is done with them. */
export interface Stretch extends Segment {
  readonly steps: readonly Placed[];
}

/** The steps that the model takes, by keyspace, in order. */
export function placedSteps({ stages }: ShardPlan): ReadonlyMap<string, readonly Placed[]> {
  const placed = new Map<string, Placed[]>();
  let at = 0;
  for (const [wave, steps] of stages.flatMap(({ waves }) => waves).entries()) {
    for (const step of steps) {
      at += 1;
      if (!("keyspace" in step) || step.kind === "gate") continue;
      const mine = placed.get(step.keyspace);
      if (mine) mine.push({ at, wave, step });
      else placed.set(step.keyspace, [{ at, wave, step }]);
    }
  }
  return placed;
}

/**
 * Cuts what steps touch into the smallest stretches that can be run one by one, sorted. What the model asks of a position, it asks of
 * that position alone, with two exceptions: a step is for each of its segments as a whole, and `sync` waits for the whole entries
 * that its segments lie in. Such an entry is a part of an earlier segment, or of what the node held before.
 */
export function stretchesOf(
  keyspace: PlanKeyspace,
  before: SegmentMap<Owner>,
  placed: readonly Placed[],
): Stretch[] {
  const steps = placed.map(({ step }) => step);
  const segments = steps.flatMap((step) => ("segments" in step ? step.segments : []));
  const stretches = joined([...segments, ...awaited(keyspace, before, steps)]).map(
    ({ lo, hi }) => ({ lo, hi, steps: [] as Placed[] }),
  );
  for (const { at, wave, step } of placed) {
    if (!("segments" in step)) {
      for (const stretch of stretches) stretch.steps.push({ at, wave, step });
      continue;
    }
    const parts = new Map<{ readonly steps: Placed[] }, Segment[]>();
    for (const segment of step.segments) {
      const stretch = pieceAt(stretches, segment.lo)!;
      const part = parts.get(stretch);
      if (part) part.push(segment);
      else parts.set(stretch, [segment]);
    }
    for (const [stretch, part] of parts)
      stretch.steps.push({ at, wave, step: { ...step, segments: part } });
  }
  return stretches;
}

/** The entries held before that something waits for. */
function awaited(
  keyspace: PlanKeyspace,
  before: SegmentMap<Owner>,
  steps: readonly Placed["step"][],
): Segment[] {
  const syncs = steps.filter((step) => step.kind === "sync");
  const nodes = new Set(syncs.map(({ node }) => node));
  const held = before.filter(({ value }) => copiesOf(value).some((node) => nodes.has(node)));
  const entries = modelOf([{ ...keyspace, before: asHoldings(held) }], "before").get(keyspace.id)!;
  return syncs.flatMap(({ node, segments }) =>
    segments.flatMap((segment) => touching(entries.copies.get(node) ?? [], segment)),
  );
}

/** Those that share positions become one; neighbours stay two. */
function joined(segments: readonly Segment[]): Segment[] {
  const out: { lo: bigint; hi: bigint }[] = [];
  for (const { lo, hi } of sortSegments(segments)) {
    const last = out.at(-1);
    if (!last || lo >= last.hi) out.push({ lo, hi });
    else if (hi > last.hi) last.hi = hi;
  }
  return out;
}
