import { intersect, overlaps, sortSegments, subtract, type Piece } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import type { Owner } from "../holdings.js";
import type { Step } from "../types.js";
import type { Finding } from "./finding.js";

type Found = Omit<Finding, "rule">;
type Moved = readonly [before: Owner, after: Owner];

/** Steps of one kind in one keyspace against what they are for: each part exactly once, and nothing else. */
export function coverage<S extends Extract<Step, { readonly segments: unknown }>>(
  keyspace: string,
  what: string,
  wanted: readonly Piece<Moved>[],
  steps: readonly S[],
  isRight: (step: S, moved: Moved) => boolean,
): Found[] {
  const done = sortSegments(
    steps.flatMap((step) => step.segments.map(({ lo, hi }) => ({ lo, hi, value: step }))),
  );
  const where = `keyspace ${keyspace}:`;
  const wrong = new Set(
    intersect(wanted, done)
      .filter(({ value: [moved, step] }) => !isRight(step, moved))
      .map(({ value: [, step] }) => step.id),
  );
  return [
    ...subtract(wanted, done).map((part) => `${where} no ${what} of ${formatSegment(part)}`),
    ...subtract(done, wanted).map(
      (part) => `${where} a ${what} of ${formatSegment(part)} that nobody asked for`,
    ),
    ...overlaps(done).map((part) => `${where} more than one ${what} of ${formatSegment(part)}`),
  ]
    .map((message): Found => ({ message, step: null }))
    .concat(
      [...wrong].map((step) => ({ message: `this ${what} is not what the holdings say`, step })),
    );
}
