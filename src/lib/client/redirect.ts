import type { Problem } from "../agent/protocol/problem.js";
import type { Position } from "../keyspace/segment.js";
import { type Known, type Routes, segmentAt, writerAt } from "./routes.js";

/**
 * Learns from a 421 of `from` on a write of the position. True when the next attempt goes somewhere else than this one did;
 * false when nobody could be named, and a pause is due.
 */
export function followRedirect(
  routes: Routes,
  known: Known,
  position: Position,
  from: string,
  problem: Problem,
): boolean {
  const before = writerAt(known, position);
  const url = problem.owner ?? null;
  const generation = generationOf(problem) ?? before.generation;
  routes.nudge(url ?? from);
  if (url === null) {
    known.hints.forget(position);
    return false;
  }
  // An owner of an older reign than what is known already: the node that answered is behind.
  if (generation < segmentAt(known, position).generation) return false;
  known.hints.learn(position, { url, generation }, segmentAt(known, position));
  return url !== before.url || generation !== before.generation;
}

function generationOf({ generation }: Problem): bigint | null {
  return generation && /^\d{1,20}$/.test(generation) ? BigInt(generation) : null;
}
