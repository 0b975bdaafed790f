/** Of its even share of a line every copy may use so much: what was measured may have grown. */
const LEAST_PART = 0.05;

/**
 * How fast each of some copies over one line may be, bytes a second, so that together they keep to `room`: in proportion to
 * their bytes, so that they end together. Whole numbers, at least 1.
 */
export function shareLine(bytes: readonly bigint[], room: number): number[] {
  const all = Number(bytes.reduce((sum, one) => sum + one, 0n));
  const even = 1 / bytes.length;
  const weights = bytes.map((one) =>
    Math.max(all > 0 ? Number(one) / all : even, LEAST_PART * even),
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => Math.max(1, Math.floor((room * weight) / sum)));
}
