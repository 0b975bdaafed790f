/** More candidates than this are not searched: a hint is not worth the time. */
const MAX_CANDIDATES = 500;

/** The candidate that is spelt most like the text, if one is close enough to be what was meant. */
export function nearest(text: string, candidates: readonly string[]): string | null {
  if (text.length > 64 || candidates.length > MAX_CANDIDATES) return null;
  let best: string | null = null;
  // Names of two or three letters are all alike: there only another case of the letters counts.
  let least = text.length < 4 ? 1 : Math.ceil(text.length / 3) + 1;
  for (const candidate of candidates) {
    if (candidate.length > 64 || Math.abs(candidate.length - text.length) >= least) continue;
    const edits = distance(text.toLowerCase(), candidate.toLowerCase());
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + same));
    }
    row = next;
  }
  return row[b.length]!;
}
