import { clip, contains, touching } from "../../keyspace/map.js";
import { formatSegment } from "../../keyspace/wire.js";
import type { Step } from "../types.js";
import { drop, onKeyspace, repoint, setReaders, takeover } from "./apply.js";
import { ModelBreach, withCopies, withRoutes, type Model } from "./state.js";

/**
 * Takes a step back by the same primitives in the other direction. `was` is the cluster before the step, of which only what a
 * journal keeps is used: whom a repointed copy followed. Throws ModelBreach where that is not possible, as for a drop.
 */
export function undoStep(model: Model, step: Step, was: Model): Model {
  if (!("keyspace" in step)) return model;
  return onKeyspace(model, step.keyspace, (keyspace) => {
    switch (step.kind) {
      case "init":
        return withCopies(keyspace, step.node, step.segment, []);
      case "link": {
        const [other] = touching(keyspace.copies.get(step.node) ?? [], step.segment).filter(
          (entry) => !contains(step.segment, entry),
        );
        if (other)
          throw new ModelBreach(
            `${step.node} holds ${formatSegment(other)}, which is more than was linked`,
          );
        return drop(keyspace, step.node, step.segment);
      }
      case "repoint": {
        const before = clip(was.get(step.keyspace)?.copies.get(step.node) ?? [], step.segment);
        return before.reduce(
          (now, { lo, hi, value }) =>
            value.source === null ? now : repoint(now, step.node, { lo, hi }, value.source),
          keyspace,
        );
      }
      case "readers":
        if (step.before.length === 0) return withRoutes(keyspace, step.segment, []);
        return setReaders(keyspace, step.segment, step.before);
      case "takeover":
        return takeover(keyspace, {
          ...step,
          node: step.from,
          from: step.node,
          shard: step.shardBefore,
        });
      case "drop":
        throw new ModelBreach(`the drop of ${step.node} cannot be taken back`);
      default:
        return keyspace;
    }
  });
}
