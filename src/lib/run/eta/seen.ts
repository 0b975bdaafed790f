/** A time that is known to lie between two. Milliseconds, finite, not negative. */
export interface Span {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** What is known of a run that goes on. By step. */
export interface Seen {
  /** How long those took that are done, milliseconds; null where it is not known. */
  readonly done: ReadonlyMap<string, number | null>;
  /** For how long those have been under way that are, milliseconds. */
  readonly begun: ReadonlyMap<string, number>;
  /** How far they are, of those that say it. */
  readonly live: ReadonlyMap<string, Live>;
}

export interface Live {
  readonly done: number;
  /** Null where it is not known. */
  readonly total: number | null;
  /** A second, of late; null where it is not known. 0 for what stands still. */
  readonly rate: number | null;
}

export function sumOf(spans: readonly Span[]): Span {
  return {
    leastMs: spans.reduce((sum, { leastMs }) => sum + leastMs, 0),
    mostMs: spans.reduce((sum, { mostMs }) => sum + mostMs, 0),
  };
}
