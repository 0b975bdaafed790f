/** Round values from 0 to at least `most`, at most seven of them. */
export function axisSteps(most: number): number[] {
  const step = roundStep(Math.max(most, 1) / 5);
  return Array.from({ length: Math.ceil(Math.max(most, 1) / step) + 1 }, (_, i) => i * step);
}

function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9))!;
}

const UNITS = [
  { name: "seconds", seconds: 1 },
  { name: "minutes", seconds: 60 },
  { name: "hours", seconds: 3_600 },
] as const;

/** Marks of a time axis: the largest unit of which there are three. */
export function timeSteps(seconds: number): {
  readonly name: string;
  readonly at: readonly { readonly second: number; readonly label: string }[];
} {
  const unit = UNITS.findLast((one) => seconds >= 3 * one.seconds) ?? UNITS[0];
  const step = Math.max(roundStep(seconds / unit.seconds / 10), 0.5);
  const count = Math.floor(seconds / unit.seconds / step);
  const at = Array.from({ length: count + 1 }, (_, i) => ({
    second: i * step * unit.seconds,
    label: String(i * step),
  }));
  return { name: unit.name, at };
}
