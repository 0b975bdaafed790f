export interface Settings {
  /** Rows of 100 bytes. */
  readonly rows: number;
  readonly say: (line: string) => void;
}

export interface Measure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What the project aims at, null where the figure is only for comparison. */
  readonly target: { readonly atLeast: number } | { readonly atMost: number } | null;
}

/** Everything that a ratio compares is measured in the same run. */
export interface Benchmark {
  readonly name: string;
  readonly title: string;
  run(settings: Settings): Promise<Measure[]>;
}

export function meets({ value, target }: Measure): boolean | null {
  if (target === null) return null;
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}

export function secondsSince(start: number): number {
  return (performance.now() - start) / 1_000;
}
