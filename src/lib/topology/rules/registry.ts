import { EXIT, OpsError } from "../../errors.js";
import { nearest } from "../nearest.js";
import { quote } from "../units.js";
import { badName } from "./bad-name.js";
import { duplicateAgent } from "./duplicate-agent.js";
import { duplicateCarrier } from "./duplicate-carrier.js";
import { duplicateNode } from "./duplicate-node.js";
import { duplicateReplica } from "./duplicate-replica.js";
import { duplicateSegment } from "./duplicate-segment.js";
import { duplicateSite } from "./duplicate-site.js";
import { FILE_RULES } from "./file-rules.js";
import { fixedRule } from "./fixed-rule.js";
import { gap } from "./gap.js";
import { localSync } from "./local-sync.js";
import { outsideDomain } from "./outside-domain.js";
import { overlap } from "./overlap.js";
import { primaryAmongReplicas } from "./primary-among-replicas.js";
import { regionLoss } from "./region-loss.js";
import { replicaSpread } from "./replica-spread.js";
import { ringSize } from "./ring-size.js";
import type { Rule, RuleInfo } from "./rule.js";
import { unknownNode } from "./unknown-node.js";
import { unknownRule } from "./unknown-rule.js";

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
  unknownRule(() => RULE_INFOS),
  fixedRule(() => RULE_INFOS),
];

/** Every rule, also those of reading the file; by name. */
export const RULE_INFOS: ReadonlyMap<string, RuleInfo> = new Map(
  [...FILE_RULES, ...RULES].map((rule) => [rule.id, rule]),
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
