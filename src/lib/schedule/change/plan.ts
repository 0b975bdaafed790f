import { hashOf, planHash } from "../../plan/hash.js";
import type {
  PolicyPart,
  ReceiverGates,
  UserPlan,
  UserStage,
  UserStageKind,
  UserStep,
  UserStepDraft,
} from "../../plan/users.js";
import type { RouteNode } from "../../routing/table.js";
import { encodePolicy } from "../policy/wire.js";
import type { PolicyDocument } from "../policy/document.js";
import { changePolicy } from "./policy-part.js";
import type { Proposal } from "./proposal.js";
import type { Objection } from "./rules/registry.js";
import { sameFilter } from "./rules/one-at-a-time.js";
import { disconnectWaves, leavingFrom, recallSteps, reloginWaves, watchStep } from "./stages.js";

/** What a plan rests on beside the proposal. */
export interface PlanContext {
  readonly createdAt: string;
  readonly topology: { readonly name: string; readonly hash: string };
  /** The access agents that answer. */
  readonly nodes: Readonly<Record<string, RouteNode>>;
  readonly gates: ReceiverGates;
}

interface StageDraft {
  readonly kind: UserStageKind;
  readonly title: string;
  readonly waves: readonly (readonly UserStepDraft[])[];
  readonly how: string;
  readonly seconds: number;
}

/** The steps by which a proposal becomes true, each with its way back. */
export function planOfProposal(
  proposal: Proposal,
  objections: readonly Objection[],
  context: PlanContext,
): UserPlan {
  const { intent, situation, entries, pace, receivers } = proposal;
  const { mode, sites, reason, actor } = intent;
  const leaving = leavingFrom(entries, situation);
  const watch = watchStep(receivers, situation, context.gates);
  const moves =
    mode === "mask"
      ? []
      : mode === "weak"
        ? reloginWaves(leaving, pace, watch)
        : disconnectWaves(leaving, pace, watch);
  const before: PolicyPart = {
    entries: situation.policy.entries
      .filter((entry) => entries.some((one) => one.site === entry.site && sameFilter(one, entry)))
      .map(({ epoch: _, ...entry }) => entry),
    classes: null,
    sites: null,
  };
  const after: PolicyPart = { entries, classes: null, sites: null };
  const recall = recallSteps(entries, receivers, situation, recallRate(proposal));
  const watched = moves.flat().filter(({ kind }) => kind === "receivers").length;
  return assemble(
    [
      reachStage(context.nodes),
      {
        kind: "recall",
        title: "Only if the run is taken back: who was moved is told to come back",
        waves: moves.length === 0 ? [] : [recall],
        how: "tell those who were moved to log in where they belong, at a pace",
        seconds: 0,
      },
      {
        kind: "mask",
        title: `No login is sent to ${sites.join(", ")} any more`,
        waves: [[{ kind: "policy", before, after }]],
        how: "publish the policy as it was",
        seconds: 1,
      },
      {
        kind: "move",
        title: mode === "strong" ? "Connections are closed" : "Users are told to log in elsewhere",
        waves: moves,
        how: "the recall does it",
        seconds: pace.seconds + watched * context.gates.windowSeconds,
      },
    ],
    { before: situation.policy, after: changePolicy(situation.policy, before, after, 0n) },
    context,
    {
      silent: situation.silent.map(({ node, why }) => ({ node, why })),
      change: {
        what: mode,
        sites,
        reason,
        actor,
        overridden: objections.map(({ rule, message }) => ({ rule, message })),
      },
      moves: proposal.moves,
    },
  );
}

/** Those who come back are logins at the sites that were left. */
function recallRate({ intent: { sites }, situation }: Proposal): number {
  const limits = situation.gateways
    .filter(({ site }) => sites.includes(site))
    .map(({ logins }) => logins.limit);
  return limits.reduce((a, b) => a + b, 0);
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

function assemble(
  drafts: readonly StageDraft[],
  policy: { readonly before: PolicyDocument; readonly after: PolicyDocument },
  { createdAt, topology, nodes }: PlanContext,
  about: Pick<UserPlan, "silent" | "change" | "moves">,
): UserPlan {
  const stages = number(drafts);
  const body: Omit<UserPlan, "hash"> = {
    v: 1,
    kind: "users",
    createdAt,
    topology,
    fingerprint: {
      before: policyFingerprint(policy.before),
      after: policyFingerprint(policy.after),
    },
    scopes: ["schedule"],
    nodes,
    ...about,
    stages,
    estimate: estimateOf(stages.reduce((sum, { estimate }) => sum + estimate.seconds, 0)),
  };
  return { ...body, hash: planHash(body) };
}

/** Of what a policy says, whatever its version and the epochs of its entries: what makes a plan for users stale. */
export function policyFingerprint(policy: PolicyDocument): string {
  const { sites, classes, entries } = encodePolicy(policy);
  return hashOf({ sites, classes, entries: entries.map(({ epoch: _, ...entry }) => entry) });
}

function number(drafts: readonly StageDraft[]): UserStage[] {
  let steps = 0;
  return drafts
    .filter(({ waves }) => waves.some((wave) => wave.length > 0))
    .map(({ kind, title, waves, how, seconds }, i) => ({
      id: `${i + 1}-${kind}`,
      kind,
      title,
      waves: waves
        .filter((wave) => wave.length > 0)
        .map((wave) => wave.map((step): UserStep => ({ id: `s${(steps += 1)}`, ...step }))),
      undo: { how, lossless: true, lossBound: "none" },
      estimate: estimateOf(seconds),
    }));
}

function estimateOf(seconds: number): UserPlan["estimate"] {
  return { bytes: 0n, rows: 0n, seconds, mostSeconds: seconds, basis: "measured" };
}
