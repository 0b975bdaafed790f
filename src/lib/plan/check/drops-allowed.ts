import { intersect, union } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { copiesOf } from "../holdings.js";
import { stepsOfKind, type Check } from "./finding.js";

/** Only copies are dropped that nobody is to hold afterwards; discarded is only what nobody at all is to hold. */
export const dropsAllowed: Check = {
  rule: "drops-allowed",
  find: (plan) => {
    const deletions = [...stepsOfKind(plan, "drop"), ...stepsOfKind(plan, "discard")];
    return deletions.flatMap(({ id, kind, keyspace, node, segments }) => {
      const after = plan.keyspaces.find((one) => one.id === keyspace)?.after ?? [];
      const kept = after
        .filter((holding) => kind === "discard" || copiesOf(holding).includes(node))
        .map(({ lo, hi }) => ({ lo, hi, value: null }));
      const deleted = segments.map(({ lo, hi }) => ({ lo, hi, value: null }));
      return union(intersect(kept, deleted)).map((part) => ({
        message: `${node} deletes ${formatSegment(part)}, which ${kind === "drop" ? "it" : "somebody"} is to hold afterwards`,
        step: id,
      }));
    });
  },
};
