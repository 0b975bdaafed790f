import { editDistance } from "../edit-distance.js";

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
    const edits = editDistance(text.toLowerCase(), candidate.toLowerCase());
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}
