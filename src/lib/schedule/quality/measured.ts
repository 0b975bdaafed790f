import { type Demand, type Topology, UNLISTED } from "../../topology/types.js";
import { type Quality, UNKNOWN } from "./cost.js";

/** What one agent measured of the way from users to a site: sums with decay, so that samples are no whole number. */
export interface Figure {
  readonly carrier: string;
  readonly province: string;
  readonly site: string;
  readonly samples: number;
  /** Null while the agent has too few samples, or where nothing came back. */
  readonly rttMs: number | null;
  /** Of the round trip of one sample, ms^2; null while the agent does not know. */
  readonly rttVariance: number | null;
  readonly loss: number | null;
}

export interface Measured extends Quality {
  readonly samples: number;
  /** Of the round trip of one sample, ms^2: at each agent, and between them. */
  readonly rttVariance: number;
}

/** By site; null where there are too few samples. */
export type Measurements = (carrier: string, province: string) => readonly (Measured | null)[];

/** Fewer, of all agents together, say nothing: 1 % of loss would be one packet, or none. */
const LEAST_SAMPLES = 100;

interface Sums {
  sent: number;
  lost: number;
  back: number;
  rttMs: number;
  rttSquared: number;
}

/** Of all agents together, each sample counting alike. Carriers and provinces that the demand does not list are `other`. */
export function measured(
  { sets }: Topology,
  { carriers, provinces }: Demand,
  figures: readonly Figure[],
): Measurements {
  const named = (list: readonly { readonly id: string }[], name: string) =>
    list.some(({ id }) => id === name) ? name : UNLISTED;
  const sums = new Map<string, Sums>();
  for (const { carrier, province, site, samples, rttMs, rttVariance, loss } of figures) {
    if (loss === null) continue;
    const key = keyOf(named(carriers, carrier), named(provinces, province), site);
    const sum = sums.get(key) ?? { sent: 0, lost: 0, back: 0, rttMs: 0, rttSquared: 0 };
    sums.set(key, sum);
    const back = rttMs === null ? 0 : samples * (1 - loss);
    sum.sent += samples;
    sum.lost += samples * loss;
    sum.back += back;
    sum.rttMs += back * (rttMs ?? 0);
    sum.rttSquared += back * ((rttMs ?? 0) ** 2 + (rttVariance ?? 0));
  }
  return (carrier, province) =>
    sets.map(({ id }) => {
      const sum = sums.get(keyOf(carrier, province, id));
      if (sum === undefined || sum.sent < LEAST_SAMPLES) return null;
      const { sent, lost, back, rttMs, rttSquared } = sum;
      const known = { samples: sent, loss: lost / sent };
      // Of a way on which nothing comes back the loss says it all.
      if (back === 0) return { ...known, rttMs: UNKNOWN.rttMs, rttVariance: 0 };
      const mean = rttMs / back;
      // A difference of sums may be a digit below nothing.
      return { ...known, rttMs: mean, rttVariance: Math.max(0, rttSquared / back - mean ** 2) };
    });
}

function keyOf(carrier: string, province: string, site: string): string {
  return JSON.stringify([carrier, province, site]);
}
