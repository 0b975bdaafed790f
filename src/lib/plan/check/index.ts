import { EXIT, OpsError } from "../../errors.js";
import type { ShardPlan } from "../types.js";
import { blastRadius } from "./blast-radius.js";
import { domainsChained } from "./domains-chained.js";
import { dropsAllowed } from "./drops-allowed.js";
import { fingerprints } from "./fingerprints.js";
import type { Check, Finding } from "./finding.js";
import { holdingsCover } from "./holdings-cover.js";
import { knownNodes } from "./known-nodes.js";
import { linksAwaited } from "./links-awaited.js";
import { relabelsComplete } from "./relabels-complete.js";
import { runsOnModel } from "./runs-on-model.js";
import { scopesComplete } from "./scopes-complete.js";
import { segmentsInDomain } from "./segments-in-domain.js";
import { settingsComplete } from "./settings-complete.js";
import { stageOrder } from "./stage-order.js";
import { stageSteps } from "./stage-steps.js";
import { takeoversComplete } from "./takeovers-complete.js";
import { takeoversPrepared } from "./takeovers-prepared.js";
import { undoTold } from "./undo-told.js";
import { uniqueIds } from "./unique-ids.js";
import { waveLimits } from "./wave-limits.js";
import { weightsEnd } from "./weights-end.js";

export type { Finding } from "./finding.js";

/** Every rule, the general ones first. */
export const checks: readonly Check[] = [
  uniqueIds,
  stageOrder,
  stageSteps,
  knownNodes,
  segmentsInDomain,
  holdingsCover,
  scopesComplete,
  fingerprints,
  undoTold,
  waveLimits,
  blastRadius,
  linksAwaited,
  takeoversPrepared,
  takeoversComplete,
  relabelsComplete,
  domainsChained,
  settingsComplete,
  weightsEnd,
  dropsAllowed,
  runsOnModel,
];

/** What is wrong with a plan, by every rule; empty when it may be run. */
export function checkPlan(plan: ShardPlan): Finding[] {
  return checks.flatMap(({ rule, find }) => find(plan).map((finding) => ({ rule, ...finding })));
}

/** Throws OpsError `plan/unsound` (exit 3) with every finding. */
export function assertSound(plan: ShardPlan): void {
  const findings = checkPlan(plan);
  if (findings.length === 0) return;
  const list = findings
    .slice(0, 20)
    .map(
      ({ rule, step, message }) =>
        `\n  ${rule}${step === null ? "" : `, step ${step}`}: ${message}`,
    )
    .join("");
  throw new OpsError(
    "plan/unsound",
    EXIT.refused,
    `The plan breaks ${findings.length} of the rules for plans:${list}`,
    {
      hint: "Do not apply it. Make it again with ops shard plan; if it comes out the same, report it with the topology.",
      details: findings,
    },
  );
}
