import type { Node } from "../topology/types.js";
import type { Size } from "./size.js";
import type { Estimate, Plan, Step } from "./types.js";

/** Copy rate of a link without a limit, bytes per second: what an embedded engine takes in on modest hardware. */
export const COPY_BYTES_PER_SECOND = 50e6;
/** Rows per second that a node digests. */
const VERIFY_ROWS_PER_SECOND = 1e6;

type Basis = Estimate["basis"];

/** How long and how much, of a stage's waves. Bytes and rows count links only: other stages move nothing. */
export function estimateWaves(
  waves: readonly (readonly Step[])[],
  sizeOf: (step: Step) => Size,
  nodes: ReadonlyMap<string, Node>,
  basis: Basis,
): Estimate {
  const links = waves.flat().filter((step) => step.kind === "link");
  const seconds = waves.reduce(
    (sum, wave) => sum + Math.max(0, ...wave.map((step) => secondsOf(step, sizeOf(step), nodes))),
    0,
  );
  return {
    bytes: links.reduce((sum, step) => sum + step.bytes, 0n),
    rows: links.reduce((sum, step) => sum + sizeOf(step).rows, 0n),
    seconds: Math.ceil(seconds),
    basis,
  };
}

/** Stages run one after the other. */
export function sumEstimates(estimates: readonly Estimate[], basis: Basis): Plan["estimate"] {
  return {
    bytes: estimates.reduce((sum, estimate) => sum + estimate.bytes, 0n),
    rows: estimates.reduce((sum, estimate) => sum + estimate.rows, 0n),
    seconds: estimates.reduce((sum, estimate) => sum + estimate.seconds, 0),
    basis,
  };
}

/** Takeovers count with their whole budget, gates with one window without extensions. */
function secondsOf(step: Step, size: Size, nodes: ReadonlyMap<string, Node>): number {
  switch (step.kind) {
    case "link":
      return Number(step.bytes) / copyRate(step.bytesPerSecond, [step.node, step.source], nodes);
    case "verify":
      return Number(size.rows) / VERIFY_ROWS_PER_SECOND;
    case "gate":
      return step.gates.windowSeconds;
    case "takeover":
      return step.budgetMs / 1000;
    case "soak":
      return step.seconds;
    default:
      return 0;
  }
}

function copyRate(
  limit: number | null,
  ends: readonly string[],
  nodes: ReadonlyMap<string, Node>,
): number {
  const networks = ends.flatMap((end) => {
    const bits = nodes.get(end)?.capacity.networkBitsPerSecond ?? 0;
    return bits > 0 ? [bits / 8] : [];
  });
  return Math.min(limit ?? COPY_BYTES_PER_SECOND, COPY_BYTES_PER_SECOND, ...networks);
}
