import type { Segment } from "../../keyspace/segment.js";
import { formatSegment } from "../../keyspace/wire.js";
import { stepsOfKind, type Check } from "./finding.js";

/** The routes go from the domain before to the one after, each step from where the last one ended. */
export const domainsChained: Check = {
  rule: "domains-chained",
  find(plan) {
    const steps = stepsOfKind(plan, "domain");
    return plan.keyspaces.flatMap(({ id, domain }) => {
      const mine = steps.filter(({ keyspace }) => keyspace === id);
      const starts = [domain.before, ...mine.map(({ after }) => after)];
      const broken = mine
        .filter(({ before }, i) => !same(before, starts[i]!))
        .map((step) => ({
          message: `the routes of keyspace ${id} do not cover ${text(step.before)} by then`,
          step: step.id,
        }));
      const end = starts.at(-1)!;
      if (same(end, domain.after)) return broken;
      const message = `the routes of keyspace ${id} end with ${text(end)}, they should cover ${text(domain.after)}`;
      return [...broken, { message, step: null }];
    });
  },
};

function same(a: Segment | null, b: Segment | null): boolean {
  return a?.lo === b?.lo && a?.hi === b?.hi;
}

function text(domain: Segment | null): string {
  return domain === null ? "nothing" : formatSegment(domain);
}
