import {
  clip,
  contains,
  difference,
  gaps,
  normalise,
  sweep,
  type Piece,
} from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { formatSegment } from "../../keyspace/wire.js";
import { asOwners, copiesOf, sameOwner, type Owner } from "../holdings.js";
import type { ReadersStep } from "../types.js";
import { stepsOfKind, type Check, type Finding } from "./finding.js";

/** In the end every copy that stays is read with weight 100 and no other, wherever the copies change. */
export const weightsEnd: Check = {
  rule: "weights-end",
  find(plan) {
    const readers = stepsOfKind(plan, "readers");
    const domains = stepsOfKind(plan, "domain");
    return plan.keyspaces.flatMap(({ id, before, after }) => {
      const last = lastReaders(readers.filter(({ keyspace }) => keyspace === id));
      const first = domains.filter(({ keyspace }) => keyspace === id).map((step) => step.after);
      return difference(asOwners(before), asOwners(after), sameOwner).flatMap((part) => {
        const { before: was, after: is } = part.value;
        if (!is) return [];
        // First routes send the reads of what is new to all its copies.
        const standing = was === null ? isWithin(first, part) : sameCopies(was, is);
        return judge(part, is, standing, last);
      });
    });
  },
};

function judge(
  part: Segment,
  owner: Owner,
  standing: boolean,
  last: readonly Piece<ReadersStep>[],
): Omit<Finding, "rule">[] {
  const steps = clip(last, part);
  if (!standing && gaps(steps, part).length > 0)
    return [{ message: `the readers of ${formatSegment(part)} never change`, step: null }];
  return steps
    .filter(({ value }) => !isRight(value, owner))
    .map(({ value }) => ({
      message: `the last weights of ${formatSegment(part)} are not 100 for ${copiesOf(owner).toSorted().join(", ")} alone`,
      step: value.id,
    }));
}

function isRight({ after }: ReadersStep, owner: Owner): boolean {
  const live = after.filter((reader) => reader.weight > 0);
  const nodes = live.map((reader) => reader.node).toSorted();
  return (
    live.every((reader) => reader.weight === 100) &&
    nodes.join("\0") === copiesOf(owner).toSorted().join("\0")
  );
}

function sameCopies(a: Owner, b: Owner): boolean {
  return copiesOf(a).toSorted().join("\0") === copiesOf(b).toSorted().join("\0");
}

function isWithin(domains: readonly (Segment | null)[], part: Segment): boolean {
  return domains.some((domain) => domain !== null && contains(domain, part));
}

/** The last step for each position. */
function lastReaders(steps: readonly ReadersStep[]): Piece<ReadersStep>[] {
  const order = steps.flatMap((step, i) =>
    step.segments.map(({ lo, hi }) => ({ lo, hi, value: i })),
  );
  return normalise(
    Array.from(
      sweep(order, (piece) => piece),
      ({ lo, hi, value }) => {
        const last = value.reduce((most, piece) => Math.max(most, piece.value), 0);
        return { lo, hi, value: steps[last]! };
      },
    ),
  );
}
