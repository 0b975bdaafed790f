import {
  clip,
  difference,
  overlaps,
  sortSegments,
  subtract,
  without,
  type SegmentMap,
} from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { formatSegment } from "../../keyspace/wire.js";
import { asHoldings, asOwners, hasTwice, sameOwner, type Owner } from "../holdings.js";
import type { ShardPlan, PlanKeyspace, ShardStep } from "../types.js";
import { applyStep } from "./apply.js";
import { assertInvariants, differences } from "./invariants.js";
import { changesCluster, named } from "./run.js";
import { ModelBreach, modelOf } from "./state.js";
import { placedSteps, stretchesOf, type Placed } from "./stretches.js";

/**
 * What is wrong with a plan, run on the model: the first thing that no plan may do, else how its end differs from what it says;
 * empty when nothing is. The same as `runPlan` finds, but stretch by stretch, each by itself on a model of nothing else:
 * near `O(n log n)` where changes are scattered over many segments and nodes.
 */
export function judge(plan: ShardPlan): string[] {
  const waves = wavesOf(plan);
  const steps = placedSteps(plan);
  const unknown = [...steps].flatMap(([id, [first]]) =>
    plan.keyspaces.some((keyspace) => keyspace.id === id)
      ? []
      : [refusal(first!, `unknown keyspace ${id}`)],
  );
  const judged = plan.keyspaces.map((keyspace) =>
    judgeKeyspace(keyspace, steps.get(keyspace.id) ?? [], waves),
  );
  const breaches = [...unknown, ...judged.flatMap((one) => one.breaches)];
  const [first] = breaches.toSorted((a, b) => a.wave - b.wave || a.at - b.at);
  if (first) return [first.message];
  return [...new Set(judged.flatMap((one) => one.differences))];
}

interface Breach {
  readonly wave: number;
  /** Infinity for what does not hold after the wave. */
  readonly at: number;
  readonly message: string;
}

interface Judged {
  readonly breaches: readonly Breach[];
  readonly differences: readonly string[];
}

interface Waves {
  readonly count: number;
  /** The first wave from this one on that changes the cluster, and its last step; null when none does. */
  changing(from: number): { readonly wave: number; readonly last: ShardStep } | null;
}

function wavesOf({ stages }: ShardPlan): Waves {
  const waves = stages.flatMap((stage) => stage.waves);
  const next: (number | null)[] = Array.from({ length: waves.length + 1 }, () => null);
  for (let i = waves.length - 1; i >= 0; i -= 1)
    next[i] = waves[i]!.some(changesCluster) ? i : next[i + 1]!;
  return {
    count: waves.length,
    changing(from) {
      const wave = next[from]!;
      return wave === null ? null : { wave, last: waves[wave]!.at(-1)! };
    },
  };
}

function judgeKeyspace(keyspace: PlanKeyspace, placed: readonly Placed[], waves: Waves): Judged {
  const unfit = unfitFor(keyspace, placed);
  if (unfit) return { breaches: [unfit], differences: [] };
  const before = sortSegments(asOwners(keyspace.before));
  const after = sortSegments(asOwners(keyspace.after));
  const stretches = stretchesOf(keyspace, before, placed);
  const judged = stretches.map((stretch) => {
    const part = holding(keyspace, clip(before, stretch), clip(after, stretch));
    return judgePart(part, [stretch], stretch.steps, waves);
  });
  const rest = holding(keyspace, without(before, stretches), without(after, stretches));
  const ofAll = placed.filter(({ step }) => !("segments" in step));
  judged.push(judgeRest(rest, stretches, ofAll, waves));
  return {
    breaches: judged.flatMap(({ breaches }) => breaches),
    differences: [...new Set(judged.flatMap((one) => one.differences))],
  };
}

/** All that is in none of the stretches, which may be nearly everything. */
function judgeRest(
  rest: PlanKeyspace,
  stretches: readonly Segment[],
  ofAll: readonly Placed[],
  waves: Waves,
): Judged {
  const domains = ofAll.flatMap(({ step }) =>
    step.kind === "domain" ? [step.before, step.after] : [],
  );
  const covered = [rest.domain.before, ...domains].filter((domain) => domain !== null);
  const within = subtract(covered, stretches);
  return domains.length === 0 && staysSound(rest, within)
    ? judgePart({ ...rest, before: [], after: [] }, [], ofAll, waves)
    : judgePart(rest, within, ofAll, waves);
}

/** Whether a model of these holdings keeps the invariants, and ends as it is to, while nothing is done: the short way to see it. */
function staysSound({ domain, before, after }: PlanKeyspace, within: readonly Segment[]): boolean {
  return (
    domain.before?.lo === domain.after?.lo &&
    domain.before?.hi === domain.after?.hi &&
    difference(asOwners(before), asOwners(after), sameOwner).length === 0 &&
    subtract(within, before).length === 0
  );
}

/** What no model can be made of, or stretches be cut by. */
function unfitFor({ id, ...holdings }: PlanKeyspace, placed: readonly Placed[]): Breach | null {
  for (const side of ["before", "after"] as const) {
    const unfit = (what: string) => ({
      wave: -1,
      at: 0,
      message: `keyspace ${id}, ${side}: ${what}`,
    });
    const [owned] = overlaps(holdings[side]);
    if (owned) return unfit(`${formatSegment(owned)} has two owners`);
    const held = holdings[side].find(hasTwice);
    if (held) return unfit(`a node holds ${formatSegment(held)} twice`);
  }
  for (const one of placed) {
    const empty = "segments" in one.step && one.step.segments.find(({ lo, hi }) => lo >= hi);
    if (empty) return refusal(one, `${formatSegment(empty)} is nothing`);
  }
  return null;
}

function holding(
  keyspace: PlanKeyspace,
  before: SegmentMap<Owner>,
  after: SegmentMap<Owner>,
): PlanKeyspace {
  return { ...keyspace, before: asHoldings(before), after: asHoldings(after) };
}

/** Runs the steps on these positions alone. */
function judgePart(
  keyspace: PlanKeyspace,
  within: readonly Segment[],
  steps: readonly Placed[],
  waves: Waves,
): Judged {
  let model = modelOf([keyspace], "before");
  /** What holds after one wave holds until a step comes, but what is wrong counts from the first wave that is judged. */
  const hold = (from: number, to: number): Breach | null => {
    const judged = waves.changing(from);
    if (judged === null || judged.wave >= to) return null;
    const at = { wave: judged.wave, at: Infinity, step: judged.last };
    return attempt(at, () => assertInvariants(model, within));
  };
  let wave = 0;
  for (const placed of steps) {
    const breach =
      (placed.wave === wave ? null : hold(wave, placed.wave)) ??
      attempt(placed, () => {
        model = applyStep(model, placed.step);
      });
    if (breach) return { breaches: [breach], differences: [] };
    wave = placed.wave;
  }
  const breach = hold(wave, waves.count);
  if (breach) return { breaches: [breach], differences: [] };
  return { breaches: [], differences: differences(model, modelOf([keyspace], "after")) };
}

function refusal(placed: Placed, message: string): Breach {
  const refused = () => {
    throw new ModelBreach(message);
  };
  return attempt(placed, refused)!;
}

function attempt(
  { wave, at, step }: { readonly wave: number; readonly at: number; readonly step: ShardStep },
  work: () => void,
): Breach | null {
  try {
    named(step, work);
    return null;
  } catch (error) {
    if (error instanceof ModelBreach) return { wave, at, message: error.message };
    throw error;
  }
}
