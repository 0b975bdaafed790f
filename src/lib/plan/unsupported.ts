import { EXIT, OpsError } from "../errors.js";
import type { Segment } from "../keyspace/segment.js";
import { formatSegment } from "../keyspace/wire.js";
import type { Keyspace } from "../topology/types.js";
import type { ObservedKeyspace } from "./observed.js";

/** Positions would mean something else. Null when they do not. */
export function otherSharding(desired: Keyspace, observed: ObservedKeyspace): string | null {
  const { routes, entries } = observed;
  if (routes === null || routes.sharding === desired.sharding || entries.length === 0) return null;
  return `keyspace ${desired.id}: sharding changes from ${routes.sharding} to ${desired.sharding}`;
}

/** Route tables cover a domain without a gap, also while one becomes the other. Null when they can. */
export function domainApart(keyspace: string, before: Segment, after: Segment): string | null {
  if (before.lo <= after.hi && after.lo <= before.hi) return null;
  return `keyspace ${keyspace}: the domain ${formatSegment(after)} does not touch the present one, ${formatSegment(before)}; widen that first, in a plan of its own`;
}

export function unsupported(problems: readonly string[]): OpsError {
  const shown = problems
    .slice(0, 10)
    .map((problem) => `\n  ${problem}`)
    .join("");
  const more = problems.length > 10 ? `\n  and ${problems.length - 10} more` : "";
  return new OpsError(
    "plan/unsupported",
    EXIT.refused,
    `The topology asks for changes that cannot be planned:${shown}${more}`,
    {
      hint: "Leave these as they are and plan again. docs/plan.md says what can be planned.",
      details: problems,
    },
  );
}
