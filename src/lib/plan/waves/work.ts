import type { Risks } from "./risks.js";

/** Something that is done in a wave, such as a copy. */
export interface Work {
  /** The nodes that it keeps busy. */
  readonly ends: readonly string[];
  /** At its fastest. */
  readonly seconds: number;
  /** What it has in common with others. */
  readonly shares: readonly Share[];
  /** What it puts at risk; empty where nothing is asked about that. */
  readonly risks: Risks;
}

/** The use of something that carries only so much, such as a line between regions. */
export interface Share {
  /** Its name, for people. */
  readonly of: string;
  /** How long the work takes when it has all of it. At most its `seconds`. */
  readonly seconds: number;
}

export interface Limits {
  /** Works at once at one node. */
  readonly perNode: number;
  /** Works at once. */
  readonly total: number;
}

/** How long works take that are done at once: as long as the longest, and as what they share is busy. */
export function secondsAtOnce(works: readonly Pick<Work, "seconds" | "shares">[]): number {
  const shared = new Map<string, number>();
  let longest = 0;
  for (const { seconds, shares } of works) {
    longest = Math.max(longest, seconds);
    for (const { of, seconds: alone } of shares) shared.set(of, (shared.get(of) ?? 0) + alone);
  }
  for (const seconds of shared.values()) longest = Math.max(longest, seconds);
  return longest;
}
