import { hashOf, planHash } from "../../plan/hash.js";
import type {
  ReceiverGates,
  UserPlan,
  UserStage,
  UserStageKind,
  UserStep,
  UserStepDraft,
} from "../../plan/users/types.js";
import { PLAN_VERSION } from "../../plan/types.js";
import type { RouteNode } from "../../routing/table.js";
import { type PolicyDocument, SCHEDULE } from "../../policy/document.js";
import { assertUsable, encodePolicy } from "../../policy/wire.js";
import { leftOutBy } from "./left-out.js";
import { changePolicy } from "./policy-part.js";
import type { Situation } from "./situation.js";

/** What a plan rests on beside what it does. */
export interface PlanContext {
  readonly createdAt: string;
  readonly topology: { readonly name: string; readonly hash: string };
  /** The access agents that answer. */
  readonly nodes: Readonly<Record<string, RouteNode>>;
  readonly gates: ReceiverGates;
  /** What the same run does before users are told, and is not in the plan: it moves the writes of a region. 0 where it does nothing. */
  readonly writesSeconds?: number;
}

export interface StageDraft {
  readonly kind: UserStageKind;
  readonly title: string;
  readonly waves: readonly (readonly UserStepDraft[])[];
  /** How it is undone. */
  readonly how: string;
  readonly seconds: number;
}

/**
 * With all that follows from the stages; those that are empty are left out. What they publish offers no gateway that is gone, and does
 * not again when it is taken back. What it no longer offers is in the plan. Throws OpsError `bad-policy` (exit 3).
 */
export function assemble(
  wanted: readonly StageDraft[],
  situation: Situation,
  meant: PolicyDocument,
  { createdAt, topology, nodes }: PlanContext,
  about: Pick<UserPlan, "change" | "moves" | "receivers" | "pace"> &
    Partial<Pick<UserPlan, "uncounted">>,
): UserPlan {
  const { policy, offered, silent } = situation;
  const isSame = hashOf(offered) === hashOf(policy.sites);
  const drafts = isSame ? wanted : offering(offered, wanted);
  const after = isSame || meant.sites !== policy.sites ? meant : { ...meant, sites: offered };
  assertAllUsable(drafts, policy);
  const stages = stagesOf(drafts, nodes);
  const body: Omit<UserPlan, "hash"> = {
    v: PLAN_VERSION,
    kind: "users",
    createdAt,
    topology,
    fingerprint: { before: policyFingerprint(policy), after: policyFingerprint(after) },
    scopes: [SCHEDULE],
    nodes,
    silent: silent.map(({ node, why }) => ({ node, why })),
    uncounted: [],
    ...leftOutBy(after, situation),
    ...about,
    stages,
    estimate: estimateOf(total(stages)),
  };
  return { ...body, hash: planHash(body) };
}

/** With the sites in what is published first, unless that has others of its own. */
function offering(sites: PolicyDocument["sites"], drafts: readonly StageDraft[]): StageDraft[] {
  let isDone = false;
  const changed = (step: UserStepDraft): UserStepDraft => {
    if (step.kind !== "policy" || isDone) return step;
    isDone = true;
    return { ...step, after: { ...step.after, sites: step.after.sites ?? sites } };
  };
  return drafts.map((draft) => ({
    ...draft,
    waves: draft.waves.map((wave) => wave.map(changed)),
  }));
}

/** What the run of a plan with these stages takes, as it is printed beside them, seconds. */
export function secondsOf(
  drafts: readonly StageDraft[],
  { nodes, writesSeconds = 0 }: PlanContext,
): number {
  return writesSeconds + total(stagesOf(drafts, nodes));
}

function stagesOf(drafts: readonly StageDraft[], nodes: PlanContext["nodes"]): UserStage[] {
  return number([reachStage(nodes), ...drafts]);
}

function total(stages: readonly UserStage[]): number {
  return stages.reduce((sum, { estimate }) => sum + estimate.seconds, 0);
}

/** Agents would refuse a policy that cannot be used, and a control plane that has stored it could not read it any more. */
function assertAllUsable(drafts: readonly StageDraft[], policy: PolicyDocument): void {
  let made = policy;
  for (const step of drafts.flatMap(({ waves }) => waves.flat())) {
    if (step.kind !== "policy") continue;
    made = changePolicy(made, step.before, step.after, 0n);
    assertUsable({ ...made, version: 1 });
  }
}

/** Of what a policy says, whatever its version and the epochs of its entries: what makes a plan for users stale. */
export function policyFingerprint(policy: PolicyDocument): string {
  const { sites, classes, entries } = encodePolicy(policy);
  return hashOf({ sites, classes, entries: entries.map((entry) => ({ ...entry, epoch: null })) });
}

function reachStage(nodes: PlanContext["nodes"]): StageDraft {
  return {
    kind: "reach",
    title: "The access agents answer",
    waves: [Object.keys(nodes).map((node): UserStepDraft => ({ kind: "reach", node }))],
    how: "nothing was changed",
    seconds: 1,
  };
}

function number(drafts: readonly StageDraft[]): UserStage[] {
  let steps = 0;
  return drafts
    .map((draft) => ({ ...draft, waves: draft.waves.filter((wave) => wave.length > 0) }))
    .filter(({ waves }) => waves.length > 0)
    .map(({ kind, title, waves, how, seconds }, i) => ({
      id: `${i + 1}-${kind}`,
      kind,
      title,
      waves: waves.map((wave) =>
        wave.map((step): UserStep => ({ id: `s${(steps += 1)}`, ...step })),
      ),
      undo: { how, lossless: true, lossBound: "none" },
      estimate: estimateOf(seconds),
    }));
}

function estimateOf(seconds: number): UserPlan["estimate"] {
  return { bytes: 0n, rows: 0n, seconds, mostSeconds: seconds, basis: "measured" };
}
