export function percentText(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** A share, 0..1, as so many characters; what is above 1 is full. */
export function barText(share: number, length: number): string {
  const full = Math.min(length, Math.round(share * length));
  return "█".repeat(full) + "·".repeat(length - full);
}
