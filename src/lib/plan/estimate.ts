import type { Node } from "../topology/types.js";
import type { Size } from "./size.js";
import type { Estimate, ShardPlan, ShardStep } from "./types.js";
import { cardShares, copyRate } from "./waves/copies.js";
import { secondsAtOnce } from "./waves/work.js";

/** Rows per second that a node digests. */
export const VERIFY_ROWS_PER_SECOND = 1e6;
/** For which a gate watches that never has enough reads: the first one and its extensions. */
export const GATE_WINDOWS = 3;
/**
 * What a step takes by itself, however little it moves: requests, flushes of the agent's store and of the journal. Seconds for
 * each step of a wave, which run side by side. Measured: the wave's time over its steps, first plans of 757 and 3,289 steps on
 * seven agents that share two busy cores; the rest is taken to be as its like.
 */
const OWN_SECONDS: Readonly<Record<ShardStep["kind"], number>> = {
  preflight: 0.045,
  adopt: 0.018,
  init: 0.004,
  link: 0.018,
  sync: 0.003,
  verify: 0.018,
  repoint: 0.018,
  relabel: 0.012,
  domain: 0.012,
  settings: 0.012,
  readers: 0.012,
  gate: 0,
  takeover: 0,
  soak: 0,
  drop: 0.018,
  discard: 0.018,
};

type Basis = Estimate["basis"];

/** How long and how much, of a stage's waves. Bytes and rows count links only: other stages move nothing. */
export function estimateWaves(
  waves: readonly (readonly ShardStep[])[],
  sizeOf: (step: ShardStep) => Size,
  nodes: ReadonlyMap<string, Node>,
  basis: Basis,
): Estimate {
  const links = waves.flat().filter((step) => step.kind === "link");
  const secondsWith = (windows: number) => {
    const seconds = waves.map((wave) => {
      const longest = wave.map((step) => secondsOf(step, sizeOf(step), windows));
      return Math.max(copyingSeconds(wave, nodes), ...longest) + ownSeconds(wave);
    });
    return inTenths(sum(seconds));
  };
  return {
    bytes: links.reduce((all, step) => all + step.bytes, 0n),
    rows: links.reduce((all, step) => all + sizeOf(step).rows, 0n),
    seconds: secondsWith(1),
    mostSeconds: secondsWith(GATE_WINDOWS),
    basis,
  };
}

/** Stages run one after the other. */
export function sumEstimates(estimates: readonly Estimate[], basis: Basis): ShardPlan["estimate"] {
  return {
    bytes: estimates.reduce((all, { bytes }) => all + bytes, 0n),
    rows: estimates.reduce((all, { rows }) => all + rows, 0n),
    seconds: inTenths(sum(estimates.map(({ seconds }) => seconds))),
    mostSeconds: inTenths(sum(estimates.map(({ mostSeconds }) => mostSeconds))),
    basis,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** What the steps of a wave take by themselves, however little they move. */
export function ownSeconds(wave: readonly ShardStep[]): number {
  return sum(wave.map(({ kind }) => OWN_SECONDS[kind]));
}

/** Upwards, but for what binary fractions add. */
function inTenths(seconds: number): number {
  return Math.ceil(Math.round(seconds * 1e6) / 1e5) / 10;
}

/** What takes its time beside copying and what every step takes. Takeovers count with their whole budget, gates with so many windows. */
export function secondsOf(step: ShardStep, size: Size, windows: number): number {
  switch (step.kind) {
    case "verify":
      return step.unlessProven ? 0 : Number(size.rows) / VERIFY_ROWS_PER_SECOND;
    case "gate":
      return step.gates.windowSeconds * windows;
    case "takeover":
      return step.budgetMs / 1000;
    case "soak":
      return step.seconds;
    default:
      return 0;
  }
}

/** What the links of a wave take at once: each by its own limit, and all that go through one network card by that. */
export function copyingSeconds(
  wave: readonly ShardStep[],
  nodes: ReadonlyMap<string, Node>,
): number {
  const links = wave.filter((step) => step.kind === "link");
  return secondsAtOnce(
    links.map((link) => ({
      seconds: Number(link.bytes) / copyRate(link.bytesPerSecond, [link.node, link.source], nodes),
      shares: cardShares(link, nodes),
    })),
  );
}
