/** Which users are looked at: bit i stands for carrier i; no bit for everyone, whatever the carrier. */
export type Mask = number;
export const EVERYONE: Mask = 0;

export interface Carrier {
  readonly id: string;
  /** Of all users, 0..1. */
  readonly share: number;
}

export interface Group {
  readonly mask: Mask;
  readonly carriers: readonly string[];
  readonly share: number;
}

/** Everyone, then every group of carriers, the smallest first. */
export function groupsOf(carriers: readonly Carrier[]): Group[] {
  const groups = Array.from({ length: 2 ** carriers.length }, (_, mask): Group => {
    const members = carriers.filter((_one, i) => (mask & (1 << i)) !== 0);
    const share = members.reduce((sum, one) => sum + one.share, 0);
    return { mask, carriers: members.map(({ id }) => id), share: mask === EVERYONE ? 1 : share };
  });
  return groups.toSorted((a, b) => a.carriers.length - b.carriers.length);
}

export function maskOf(names: readonly string[], carriers: readonly Carrier[]): Mask {
  return carriers.reduce((mask, { id }, i) => (names.includes(id) ? mask | (1 << i) : mask), 0);
}
