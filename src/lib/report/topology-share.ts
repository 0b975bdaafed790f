/** Percent that a part is of a whole, 0..100. */
export function percentOf(part: bigint, whole: bigint): number {
  return Number((part * 1_000_000n) / whole) / 10_000;
}

/** `12.5%`, and `<0.1%` for what would look like nothing. */
export function shareText(percent: number): string {
  if (percent > 0 && percent < 0.1) return "<0.1%";
  return `${Number(percent.toFixed(1))}%`;
}
