import { contains } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { placedSteps, type Check } from "./finding.js";

/** Every step is about a keyspace of the plan and a part of its domain. */
export const segmentsInDomain: Check = {
  rule: "segments-in-domain",
  find(plan) {
    const domains = new Map(plan.keyspaces.map(({ id, domain }) => [id, domain]));
    return placedSteps(plan).flatMap(({ step }) => {
      if (!("keyspace" in step)) return [];
      const domain = domains.get(step.keyspace);
      if (!domain)
        return [{ message: `keyspace ${step.keyspace} is not one of the plan`, step: step.id }];
      if (!("segment" in step)) return [];
      if (step.segment.lo < step.segment.hi && contains(domain, step.segment)) return [];
      return [
        {
          message: `${formatSegment(step.segment)} is no part of ${formatSegment(domain)}`,
          step: step.id,
        },
      ];
    });
  },
};
