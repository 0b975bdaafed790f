import { contains, difference, overlapOf } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { asOwners, copiesOf, sameOwner } from "../holdings.js";
import { stepsOfKind, type Check } from "./finding.js";

/** In the end every copy that stays is read with weight 100 and no other, wherever the copies change. */
export const weightsEnd: Check = {
  rule: "weights-end",
  find(plan) {
    const readers = stepsOfKind(plan, "readers");
    return plan.keyspaces.flatMap(({ id, before, after }) => {
      const mine = readers.filter((step) => step.keyspace === id);
      return difference(asOwners(before), asOwners(after), sameOwner).flatMap(
        (part): ReturnType<Check["find"]> => {
          const { before: was, after: is } = part.value;
          if (!is) return [];
          const wanted = copiesOf(is).toSorted();
          const last = mine.findLast((step) => overlapOf(step.segment, part));
          if (!last) {
            const standing =
              was !== null && copiesOf(was).toSorted().join("\0") === wanted.join("\0");
            return standing
              ? []
              : [{ message: `the readers of ${formatSegment(part)} never change`, step: null }];
          }
          const live = last.after.filter((reader) => reader.weight > 0);
          const right =
            contains(last.segment, part) &&
            live.every((reader) => reader.weight === 100) &&
            live
              .map((reader) => reader.node)
              .toSorted()
              .join("\0") === wanted.join("\0");
          return right
            ? []
            : [
                {
                  message: `the last weights of ${formatSegment(part)} are not 100 for ${wanted.join(", ")} alone`,
                  step: last.id,
                },
              ];
        },
      );
    });
  },
};
