import { badName } from "./bad-name.js";
import { duplicateAgent } from "./duplicate-agent.js";
import { duplicateCarrier } from "./duplicate-carrier.js";
import { duplicateNode } from "./duplicate-node.js";
import { duplicateReplica } from "./duplicate-replica.js";
import { duplicateSegment } from "./duplicate-segment.js";
import { duplicateSite } from "./duplicate-site.js";
import { gap } from "./gap.js";
import { localSync } from "./local-sync.js";
import { outsideDomain } from "./outside-domain.js";
import { overlap } from "./overlap.js";
import { primaryAmongReplicas } from "./primary-among-replicas.js";
import { regionLoss } from "./region-loss.js";
import { replicaSpread } from "./replica-spread.js";
import { ringSize } from "./ring-size.js";
import type { Rule } from "./rule.js";
import { unknownNode } from "./unknown-node.js";

/** Every rule beyond the schema. A new rule is one file and one line here. */
export const RULES: readonly Rule[] = [
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
  regionLoss,
  duplicateSegment,
  outsideDomain,
  overlap,
  gap,
  ringSize,
];
