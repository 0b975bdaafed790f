import { gaps, overlaps, subtract } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { copiesOf } from "../holdings.js";
import type { Check } from "./finding.js";

/** Somebody holds every position of the domain, before and after; nobody holds one twice, and after it nothing else. */
export const holdingsCover: Check = {
  rule: "holdings-cover",
  find: (plan) =>
    plan.keyspaces.flatMap(({ id, domain, before, after }) => {
      const outside = subtract(after, domain.after === null ? [] : [domain.after]);
      return [
        ...(
          [
            ["before", before, domain.before],
            ["after", after, domain.after],
          ] as const
        ).flatMap(([side, holdings, covered]) => {
          const where = `keyspace ${id}, ${side}:`;
          return [
            ...(covered === null ? [] : gaps(holdings, covered)).map(
              (gap) => `${where} nobody holds ${formatSegment(gap)}`,
            ),
            ...overlaps(holdings).map((twice) => `${where} ${formatSegment(twice)} has two owners`),
            ...holdings
              .filter((holding) => new Set(copiesOf(holding)).size < copiesOf(holding).length)
              .map((holding) => `${where} a node holds ${formatSegment(holding)} twice`),
          ];
        }),
        ...outside.map(
          (part) => `keyspace ${id}, after: ${formatSegment(part)} is held outside of the domain`,
        ),
      ].map((message) => ({ message, step: null }));
    }),
};
