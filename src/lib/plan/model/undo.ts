import { clip, subtract, touching } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import { formatSegment } from "../../keyspace/wire.js";
import type { ShardStep } from "../types.js";
import {
  drop,
  onKeyspace,
  relabel,
  repoint,
  setDomain,
  setReaders,
  setSettings,
  takeover,
} from "./apply.js";
import { ModelBreach, withCopies, type KeyspaceModel, type Model } from "./state.js";

/**
 * Takes a step back by the same primitives in the other direction. `was` is the cluster before the step, of which only what a
 * journal keeps is used: whom a repointed copy followed. Throws ModelBreach where that is not possible, as for a drop.
 */
export function undoStep(model: Model, step: ShardStep, was: Model): Model {
  if (!("keyspace" in step) || step.kind === "gate") return model;
  return onKeyspace(model, step.keyspace, (keyspace) => {
    if (step.kind === "domain") return setDomain(keyspace, step.after, step.before);
    if (step.kind === "settings") return setSettings(keyspace, step.after, step.before);
    return step.segments.reduceRight((now, segment) => undoOn(now, step, segment, was), keyspace);
  });
}

type SegmentsStep = Extract<ShardStep, { readonly segments: readonly Segment[] }>;

function undoOn(
  keyspace: KeyspaceModel,
  step: SegmentsStep,
  segment: Segment,
  was: Model,
): KeyspaceModel {
  switch (step.kind) {
    case "init":
      return withCopies(keyspace, step.node, segment, []);
    case "link": {
      const other = touching(keyspace.copies.get(step.node) ?? [], segment).find(
        (entry) => subtract([entry], step.segments).length > 0,
      );
      if (other) {
        throw new ModelBreach(
          `${step.node} holds ${formatSegment(other)}, which is more than was linked`,
        );
      }
      return drop(keyspace, step.node, segment);
    }
    case "repoint": {
      const before = clip(was.get(step.keyspace)?.copies.get(step.node) ?? [], segment);
      return before.reduce(
        (now, { lo, hi, value }) =>
          value.source === null ? now : repoint(now, step.node, { lo, hi }, value.source),
        keyspace,
      );
    }
    case "relabel":
      return relabel(keyspace, segment, step.shard, step.shardBefore);
    case "readers":
      return setReaders(keyspace, segment, step.before);
    case "takeover":
      return takeover(keyspace, {
        segment,
        node: step.from,
        from: step.node,
        shard: step.shardBefore,
      });
    case "drop":
    case "discard":
      throw new ModelBreach(`what ${step.node} deleted cannot be brought back`);
    case "sync":
    case "verify":
      return keyspace;
  }
}
