import { gaps, overlaps } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { copiesOf } from "../holdings.js";
import type { Check } from "./finding.js";

/** Somebody holds every position, before (unless the keyspace is new) and after; nobody holds it twice. */
export const holdingsCover: Check = {
  rule: "holdings-cover",
  find: (plan) =>
    plan.keyspaces.flatMap(({ id, domain, before, after }) =>
      (
        [
          ["before", before],
          ["after", after],
        ] as const
      ).flatMap(([side, holdings]) => {
        const where = `keyspace ${id}, ${side}:`;
        if (side === "before" && holdings.length === 0) return [];
        const messages = [
          ...gaps(holdings, domain).map((gap) => `${where} nobody holds ${formatSegment(gap)}`),
          ...overlaps(holdings).map((twice) => `${where} ${formatSegment(twice)} has two owners`),
          ...holdings
            .filter((holding) => new Set(copiesOf(holding)).size < copiesOf(holding).length)
            .map((holding) => `${where} a node holds ${formatSegment(holding)} twice`),
        ];
        return messages.map((message) => ({ message, step: null }));
      }),
    ),
};
