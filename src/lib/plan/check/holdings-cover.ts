import { gaps, intersect, overlaps, subtract } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { asOwners, hasTwice, sameOwner } from "../holdings.js";
import type { Check } from "./finding.js";

/**
 * Somebody holds every position of the domain, before and after; nobody holds one twice, and after it nothing else, but where a plan
 * leaves the domain and its surplus as they were.
 */
export const holdingsCover: Check = {
  rule: "holdings-cover",
  find: (plan) =>
    plan.keyspaces.flatMap(({ id, domain, before, after }) => {
      const stays =
        domain.before?.lo === domain.after?.lo && domain.before?.hi === domain.after?.hi;
      const beyond = domain.after === null ? after : subtract(after, [domain.after]);
      const both = stays && beyond.length > 0 ? intersect(asOwners(before), asOwners(after)) : [];
      const kept = both.filter(({ value: [was, is] }) => sameOwner(was, is));
      const outside = subtract(beyond, kept);
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
              .filter(hasTwice)
              .map((holding) => `${where} a node holds ${formatSegment(holding)} twice`),
          ];
        }),
        ...outside.map(
          (part) => `keyspace ${id}, after: ${formatSegment(part)} is held outside of the domain`,
        ),
      ].map((message) => ({ message, step: null }));
    }),
};
