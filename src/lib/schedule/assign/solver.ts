import type { Highs, Model } from "highs";
import type { Lp } from "./lp.js";

export interface Solution {
  readonly values: Float64Array;
  /** Prices of the rows. */
  readonly duals: Float64Array;
}

/** The package's types say that it is CommonJS; what is imported is its ES module. */
interface Loader {
  default(): Promise<Highs>;
}

let loading: Promise<Highs> | null = null;

/** WebAssembly of a few megabytes: loaded when it is first needed. */
export function loadHighs(): Promise<Highs> {
  loading ??= import("highs").then((module) => (module as unknown as Loader).default());
  return loading;
}

/** All the LPs here have a solution, and none without an end: anything else is a bug. */
export function solve(highs: Highs, lp: Lp, cost: Float64Array): Solution {
  const { cols: numCols, rows: numRows, starts, indices, values } = lp;
  if (numCols === 0) return { values: new Float64Array(), duals: new Float64Array(numRows) };
  const model: Model = highs.createModel({
    numCols,
    numRows,
    colCost: cost,
    colLower: lp.lower,
    colUpper: lp.upper,
    rowLower: lp.rowLower,
    rowUpper: lp.rowUpper,
    matrix: { format: "csc", numRows, numCols, starts, indices, values },
  });
  try {
    model.options.set(OPTIONS);
    model.run();
    const status = model.getModelStatus();
    if (status !== highs.constants.modelStatus.optimal) {
      throw new Error(`HiGHS ended with status ${status} on an LP of ${numRows} x ${numCols}`);
    }
    const { colValue, rowDual } = model.getSolution();
    return { values: colValue, duals: rowDual };
  } finally {
    model.dispose();
  }
}

/** The costs here are never below 0, so that the dual simplex begins with a dual solution: presolve takes longer than it saves. */
const OPTIONS = {
  output_flag: false,
  presolve: "off",
  solver: "simplex",
  simplex_strategy: 1,
  primal_feasibility_tolerance: 1e-9,
  dual_feasibility_tolerance: 1e-9,
};
