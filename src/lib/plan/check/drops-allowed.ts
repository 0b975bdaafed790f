import { clip, sortSegments, union } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { asOwners, copiesOf } from "../holdings.js";
import { stepsOfKind, type Check } from "./finding.js";

/** Only copies are dropped that nobody is to hold afterwards; discarded is only what nobody at all is to hold. */
export const dropsAllowed: Check = {
  rule: "drops-allowed",
  find: (plan) => {
    const after = new Map(plan.keyspaces.map((one) => [one.id, sortSegments(asOwners(one.after))]));
    const deletions = [...stepsOfKind(plan, "drop"), ...stepsOfKind(plan, "discard")];
    return deletions.flatMap(({ id, kind, keyspace, node, segments }) => {
      const kept = segments
        .flatMap((segment) => clip(after.get(keyspace) ?? [], segment))
        .filter(({ value }) => kind === "discard" || copiesOf(value).includes(node));
      return union(kept).map((part) => ({
        message: `${node} deletes ${formatSegment(part)}, which ${kind === "drop" ? "it" : "somebody"} is to hold afterwards`,
        step: id,
      }));
    });
  },
};
