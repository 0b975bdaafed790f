import { EXIT, OpsError } from "../../errors.js";
import { nearest } from "../nearest.js";
import { quote } from "../../quote.js";
import { ackFollower } from "./ack-follower.js";
import { badName } from "./bad-name.js";
import { carrierCapacity } from "./carrier-capacity.js";
import { carrierWithoutSite } from "./carrier-without-site.js";
import { dataCapacity } from "./data-capacity.js";
import { duplicateAgent } from "./duplicate-agent.js";
import { duplicateCarrier } from "./duplicate-carrier.js";
import { duplicateLink } from "./duplicate-link.js";
import { duplicateNode } from "./duplicate-node.js";
import { duplicateReplica } from "./duplicate-replica.js";
import { duplicateSegment } from "./duplicate-segment.js";
import { duplicateSite } from "./duplicate-site.js";
import { FILE_RULES } from "./file-rules.js";
import { fixedRule } from "./fixed-rule.js";
import { gap } from "./gap.js";
import { headroom } from "./headroom.js";
import { hotShard } from "./hot-shard.js";
import { layerCapacity } from "./layer-capacity.js";
import { localSync } from "./local-sync.js";
import { missingLink } from "./missing-link.js";
import { oneRegion } from "./one-region.js";
import { outsideDomain } from "./outside-domain.js";
import { overlap } from "./overlap.js";
import { primaryAmongReplicas } from "./primary-among-replicas.js";
import { regionLoss } from "./region-loss.js";
import { replicaSpread } from "./replica-spread.js";
import { ringSize } from "./ring-size.js";
import type { FitnessRule, RuleInfo, StructureRule } from "./rule.js";
import { setCapacity } from "./set-capacity.js";
import { setRating } from "./set-rating.js";
import { syncTraffic } from "./sync-traffic.js";
import { unknownNode } from "./unknown-node.js";
import { unknownRegion } from "./unknown-region.js";
import { unknownRule } from "./unknown-rule.js";
import { unusedNode } from "./unused-node.js";

/** Rules of what a file says, beyond the schema. A new rule is one file and one line, here or below. */
export const STRUCTURE_RULES: readonly StructureRule[] = [
  badName,
  duplicateSite,
  duplicateNode,
  duplicateAgent,
  duplicateCarrier,
  unknownNode,
  primaryAmongReplicas,
  duplicateReplica,
  replicaSpread,
  localSync,
  ackFollower,
  regionLoss,
  duplicateSegment,
  outsideDomain,
  overlap,
  gap,
  ringSize,
  unknownRegion,
  duplicateLink,
  unknownRule(() => RULE_INFOS),
  fixedRule(() => RULE_INFOS),
];

/** Rules of how well the topology does its job. They look at it only when nothing is wrong with what it says. */
export const FITNESS_RULES: readonly FitnessRule[] = [
  setCapacity,
  layerCapacity,
  carrierCapacity,
  carrierWithoutSite,
  dataCapacity,
  syncTraffic,
  headroom,
  setRating,
  oneRegion,
  hotShard,
  missingLink,
  unusedNode,
];

/** Every rule, also those of reading the file; by name. */
export const RULE_INFOS: ReadonlyMap<string, RuleInfo> = new Map(
  [...FILE_RULES, ...STRUCTURE_RULES, ...FITNESS_RULES].map((rule) => [rule.id, rule]),
);

/** Throws OpsError `unknown-rule` (exit 64). */
export function findRule(name: string): RuleInfo {
  const rule = RULE_INFOS.get(name);
  if (rule) return rule;
  const guess = nearest(name, [...RULE_INFOS.keys()]);
  throw new OpsError("unknown-rule", EXIT.usage, `there is no rule ${quote(name)}`, {
    hint: guess ? `did you mean ${guess}?` : "docs/rules.md lists the rules",
  });
}
