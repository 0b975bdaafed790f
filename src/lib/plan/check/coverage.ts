import {
  difference,
  intersect,
  overlaps,
  sortSegments,
  subtract,
  type Piece,
} from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { asOwners, type Owner } from "../holdings.js";
import type { PlanKeyspace, ShardStep } from "../types.js";
import type { Finding } from "./finding.js";

type Found = Omit<Finding, "rule">;
type Moved = readonly [before: Owner, after: Owner];

/**
 * Steps of one kind in one keyspace against what they are for: each part whose shard or primary changes in the way `isWanted` says
 * exactly once, and nothing else.
 */
export function coverage<S extends Extract<ShardStep, { readonly segments: unknown }>>(
  { id, before, after }: PlanKeyspace,
  what: string,
  isWanted: (moved: Moved) => boolean,
  steps: readonly S[],
  isRight: (step: S, moved: Moved) => boolean,
): Found[] {
  const wanted = difference(asOwners(before), asOwners(after), sameWriter).flatMap(
    ({ lo, hi, value }): Piece<Moved>[] => {
      if (value.before === null || value.after === null) return [];
      const moved = [value.before, value.after] as const;
      return isWanted(moved) ? [{ lo, hi, value: moved }] : [];
    },
  );
  const done = sortSegments(
    steps.flatMap((step) => step.segments.map(({ lo, hi }) => ({ lo, hi, value: step }))),
  );
  const where = `keyspace ${id}:`;
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

function sameWriter(a: Owner, b: Owner): boolean {
  return a.shard === b.shard && a.primary === b.primary;
}
