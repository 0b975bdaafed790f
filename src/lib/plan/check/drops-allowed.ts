import { overlapOf, union } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { copiesOf } from "../holdings.js";
import { stepsOfKind, type Check } from "./finding.js";

/** Only copies are dropped that nobody is to hold afterwards. */
export const dropsAllowed: Check = {
  rule: "drops-allowed",
  find: (plan) =>
    stepsOfKind(plan, "drop").flatMap((drop) => {
      const kept = plan.keyspaces
        .filter(({ id }) => id === drop.keyspace)
        .flatMap(({ after }) => after)
        .filter((holding) => copiesOf(holding).includes(drop.node))
        .flatMap((holding) => overlapOf(holding, drop.segment) ?? []);
      return union(kept).map((part) => ({
        message: `${drop.node} drops ${formatSegment(part)}, which it is to hold afterwards`,
        step: drop.id,
      }));
    }),
};
