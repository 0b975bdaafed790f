import type { Problem } from "../types.js";
import { proofOf, type Proof } from "./bound.js";
import { costOf, type LevelName } from "./levels.js";
import { type Model, modelOf, narrowed } from "./model.js";
import { type Placement, placementOf, valuesOf } from "./placement.js";
import { shapeOf, splitByCost } from "./shape.js";
import { type Shortage, shortageOf } from "./shortage.js";
import { loadHighs, solve } from "./solver.js";

export interface Assignment extends Placement {
  /** The first level first. */
  readonly levels: readonly Level[];
  /** No assignment that is as good in the levels before the cost takes fewer seconds, whatever it costs. */
  readonly leastSeconds: number;
  /** What stands in the way of those who have no place; null where everyone has one. */
  readonly shortage: Shortage | null;
}

/** What an assignment comes to in one level, and what none can be below that is as good in the levels before: the certificate. */
export interface Level {
  readonly name: LevelName;
  readonly value: number;
  readonly bound: number;
  /** 1 where both are 0. */
  readonly ratio: number;
}

/**
 * Where the users of each class should be: the exact lexicographic optimum of the levels (docs/scheduling.md). Each level is an LP,
 * and its prices say which choices it leaves to the next. Classes are one group for as long as no level tells them apart.
 */
export async function assign(problem: Problem): Promise<Assignment> {
  const highs = await loadHighs();
  const bounds = new Map<LevelName, number>();
  let shape = shapeOf(problem);

  const minimise = (name: LevelName): Minimum => {
    const model = modelOf(shape, name === "seconds");
    const cost = costOf(name, model, shape, problem);
    const { values, duals } = solve(highs, model.lp, cost);
    // Whatever is better than this does not take longer.
    if (model.finish !== null) model.lp.most[model.finish] = values[model.finish]!;
    const proof = proofOf(model.lp, cost, duals);
    return { model, values, proof, highest: cost.reduce((a, b) => Math.max(a, b), 1) };
  };
  const level = (name: LevelName): Minimum => {
    const minimum = minimise(name);
    const { model, proof, highest } = minimum;
    bounds.set(name, Math.max(0, proof.bound) * shape.part);
    shape = narrowed(shape, model, proof, TOLERANCE * highest);
    return minimum;
  };

  const before = shape;
  const { model, proof } = level("unplaced");
  const shortage = shortageOf(before, model, proof);
  level("over");
  if (problem.moves === null) level("moved");
  const least = minimise("seconds");
  shape = splitByCost(shape, problem);
  level("cost");
  const last = minimise("seconds");
  bounds.set("seconds", Math.max(0, last.proof.bound));

  const placement = placementOf(problem, shape, last.model, last.values);
  const values = valuesOf(problem, placement);
  return {
    ...placement,
    levels: [...bounds].map(([name, bound]) => levelOf(name, values[name], bound)),
    leastSeconds: Math.max(0, least.proof.bound),
    shortage,
  };
}

interface Minimum {
  readonly model: Model;
  readonly values: Float64Array;
  readonly proof: Proof;
  readonly highest: number;
}

/** A reduced cost or a price below this, times the highest cost, is 0. */
const TOLERANCE = 1e-7;

function levelOf(name: LevelName, value: number, bound: number): Level {
  return { name, value, bound, ratio: value === 0 ? 1 : value / bound };
}
