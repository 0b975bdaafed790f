import { intersect, overlapOf, overlaps, subtract } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import { asOwners } from "../holdings.js";
import { stepsOfKind, type Check } from "./finding.js";

/** The writes of exactly those segments move whose primary is another one afterwards, each once, between those two nodes. */
export const takeoversComplete: Check = {
  rule: "takeovers-complete",
  find(plan) {
    const takeovers = stepsOfKind(plan, "takeover");
    return plan.keyspaces.flatMap(({ id, before, after }) => {
      const mine = takeovers.filter((step) => step.keyspace === id);
      const moves = intersect(asOwners(before), asOwners(after)).filter(
        ({ value: [was, is] }) => was.primary !== is.primary,
      );
      const segments = mine.map((step) => step.segment);
      const missing = subtract(moves, segments).map(
        (part) => `keyspace ${id}: no takeover of ${formatSegment(part)}`,
      );
      const extra = subtract(segments, moves).map(
        (part) => `keyspace ${id}: a takeover of ${formatSegment(part)} that nobody asked for`,
      );
      const twice = overlaps(segments).map(
        (part) => `keyspace ${id}: ${formatSegment(part)} is taken over twice`,
      );
      const wrong = mine.filter((step) =>
        moves.some(
          (move) =>
            overlapOf(move, step.segment) &&
            (move.value[0].primary !== step.from ||
              move.value[1].primary !== step.node ||
              move.value[0].shard !== step.shardBefore ||
              move.value[1].shard !== step.shard),
        ),
      );
      return [
        ...[...missing, ...extra, ...twice].map((message) => ({ message, step: null })),
        ...wrong.map((step) => ({
          message: `takeover from ${step.from} (${step.shardBefore}) to ${step.node} (${step.shard}) is not what the holdings say`,
          step: step.id,
        })),
      ];
    });
  },
};
