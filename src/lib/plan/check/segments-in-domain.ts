import { subtract, touching, union } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { placedSteps, type Check } from "./finding.js";

/** Every step is about a keyspace of the plan, and about what is held before it or belongs to the domain after it. */
export const segmentsInDomain: Check = {
  rule: "segments-in-domain",
  find(plan) {
    const reach = new Map(
      plan.keyspaces.map(({ id, domain, before }) => [
        id,
        union(domain.after === null ? before : [...before, domain.after]),
      ]),
    );
    return placedSteps(plan).flatMap(({ step }) => {
      if (!("keyspace" in step)) return [];
      const held = reach.get(step.keyspace);
      if (!held)
        return [{ message: `keyspace ${step.keyspace} is not one of the plan`, step: step.id }];
      if (!("segments" in step)) return [];
      const empty = step.segments.filter(({ lo, hi }) => lo >= hi);
      const others = step.segments
        .filter(({ lo, hi }) => lo < hi)
        .flatMap((segment) => subtract([segment], touching(held, segment)));
      return [...empty, ...others].map((part) => ({
        message: `${formatSegment(part)} is no part of keyspace ${step.keyspace}`,
        step: step.id,
      }));
    });
  },
};
