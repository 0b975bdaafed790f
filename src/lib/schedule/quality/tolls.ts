import type { Costs, Problem } from "../types.js";
import { costOf } from "./cost.js";
import { type Qualities, costsOf } from "./entries.js";
import type { Measured, Measurements } from "./measured.js";

/** What is known of the ways to sites, and how far it is a reason to move somebody. */
export interface Known {
  readonly costs: Costs;
  /** Of a move: see `Moves`. */
  readonly tolls: Costs;
  /** For each site, in their order, whether something is known of it. */
  readonly isKnown: (carrier: string, province: string) => readonly boolean[];
}

/** No move is made for less, ms: as much as 1 % of loss. One half is paid at each end. */
export const WORTH_MS = 10;
/** A site of which too little was measured is no reason to come or to go: more than the highest cost there is. */
const NO_REASON_MS = 100_000;
/** The cost is doubted by so many standard errors of the measured loss, and of the round trip. */
const ERRORS = 2;

/** What a person states is not doubted, and what is not stated counts as `UNKNOWN`. */
export function stated(qualities: Qualities): Known {
  const rows = (carrier: string, province: string) => qualities(carrier, province);
  return {
    costs: costsOf(qualities),
    tolls: (carrier, province) => rows(carrier, province).map(() => WORTH_MS / 2),
    isKnown: (carrier, province) => rows(carrier, province).map((one) => one !== null),
  };
}

/** The fewer samples, the more a move has to gain. */
export function live(measurements: Measurements): Known {
  return {
    costs: costsOf(measurements),
    tolls: (carrier, province) =>
      measurements(carrier, province).map((one) =>
        one === null ? NO_REASON_MS : WORTH_MS / 2 + doubtOf(one),
      ),
    isKnown: (carrier, province) => measurements(carrier, province).map((one) => one !== null),
  };
}

/**
 * By how much the cost may be too low, with n samples, of which m came back, with the variance v of one round trip. With `lost` of n,
 * p = (lost + 1) / (n + 2), so that no loss in a few samples is no proof that there is none:
 *
 *     doubt = cost(rtt + 2 sqrt(v / m), loss + 2 sqrt(p (1 - p) / n)) - cost(rtt, loss)
 */
function doubtOf({ rttMs, rttVariance, loss, samples }: Measured): number {
  const p = (loss * samples + 1) / (samples + 2);
  const ofLoss = Math.sqrt((p * (1 - p)) / samples);
  const ofRtt = loss < 1 ? Math.sqrt(rttVariance / (samples * (1 - loss))) : 0;
  const worst = { rttMs: rttMs + ERRORS * ofRtt, loss: Math.min(1, loss + ERRORS * ofLoss) };
  return costOf(worst) - costOf({ rttMs, loss });
}

/** Pairs of users and a site that they reach, and of how many something is known. */
export function pairsOf(
  { sites, classes }: Pick<Problem, "sites" | "classes">,
  { isKnown }: Known,
): { readonly measured: number; readonly all: number } {
  const kinds = new Map(classes.map((one) => [JSON.stringify([one.carrier, one.province]), one]));
  const known = [...kinds.values()].flatMap(({ carrier, province }) =>
    isKnown(carrier, province).filter((_, i) => isReached(carrier, sites[i]!.carriers)),
  );
  return { measured: known.filter(Boolean).length, all: known.length };
}

function isReached(carrier: string, carriers: readonly string[]): boolean {
  return carrier === "other" || carriers.includes(carrier);
}
