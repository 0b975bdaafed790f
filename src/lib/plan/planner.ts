import { EXIT, OpsError } from "../errors.js";
import type { Segment } from "../keyspace/segment.js";
import { formatSegment } from "../keyspace/wire.js";
import type { RouteNode } from "../routing/table.js";
import type { Topology } from "../topology/types.js";
import type { Change } from "./changes.js";
import { compareKeyspaces } from "./compare.js";
import type { StageDraft, Task } from "./draft.js";
import { estimateWaves, sumEstimates } from "./estimate.js";
import { fingerprintOf } from "./fingerprint.js";
import { planHash } from "./hash.js";
import { copiesOf, observedKeyspace } from "./holdings.js";
import type { Observed } from "./observed.js";
import { compareText } from "./order.js";
import { loadMap, NOTHING, sizeOf, type Size } from "./size.js";
import { chooseSources } from "./sources.js";
import { standingOf } from "./standing.js";
import { attachStage } from "./stages/attach.js";
import { createStage } from "./stages/create.js";
import { retireStage, soakStage } from "./stages/end.js";
import { preflightStage } from "./stages/preflight.js";
import { domainStage } from "./stages/domain.js";
import { readStages } from "./stages/reads.js";
import { settingsStage } from "./stages/settings.js";
import { syncStage } from "./stages/sync.js";
import { verifyStage } from "./stages/verify.js";
import { writesStage } from "./stages/writes.js";
import { copyingOf, limitsOf } from "./copying.js";
import {
  PLAN_VERSION,
  type Copying,
  type ShardPlan,
  type PlanKeyspace,
  type ShardStage,
  type ShardStep,
} from "./types.js";
import { risksOfSteps } from "./waves/at-risk.js";
import { networkOf } from "./waves/network.js";
import { NO_RISKS } from "./waves/risks.js";

export interface PlanRequest {
  readonly topology: Topology;
  readonly observed: Observed;
  /** ISO 8601 */
  readonly createdAt: string;
  /** SHA-256 of the topology's text. */
  readonly topologyHash: string;
}

/**
 * What must be done so that the cluster is as the topology says; no stages when it already is. The same request gives the same
 * plan. Throws OpsError `plan/unreachable`, `plan/unseen` or `plan/no-primary` (exit 9), `plan/no-primary`, `plan/two-primaries`,
 * `plan/takeover-in-progress`, `plan/node-missing`, `plan/no-agent`, `plan/unsupported` (exit 3).
 */
export function planShards({
  topology,
  observed,
  createdAt,
  topologyHash,
}: PlanRequest): ShardPlan {
  refuseUnreachable(topology, observed);
  const { keyspaces, changes } = compareKeyspaces(topology, observed);
  refuseStrangers(topology, keyspaces);
  const nodes = keyspaces.length > 0 ? routeNodes(topology, observed) : {};
  const task = taskOf(topology, observed, keyspaces, changes);
  const stages = keyspaces.length > 0 ? makeStages(task, nodes, observed.basis) : [];
  return assemblePlan(
    { topology, observed, createdAt, topologyHash },
    { keyspaces, nodes, limits: limitsOf(task), stages, copying: copyingOf(task, stages) },
  );
}

/** With all that follows from these. */
export function assemblePlan(
  { topology, observed, createdAt, topologyHash }: PlanRequest,
  {
    keyspaces,
    nodes,
    limits,
    stages,
    copying,
  }: Pick<ShardPlan, "keyspaces" | "nodes" | "limits" | "stages"> & {
    readonly copying: Copying | null;
  },
): ShardPlan {
  const body: Omit<ShardPlan, "hash"> = {
    v: PLAN_VERSION,
    kind: "shards",
    createdAt,
    topology: { name: topology.name, hash: topologyHash },
    fingerprint: {
      before: fingerprintOf(keyspaces, "before"),
      after: fingerprintOf(keyspaces, "after"),
    },
    scopes: keyspaces.map(({ id }) => `keyspace/${id}`).toSorted(compareText),
    keyspaces,
    nodes,
    limits,
    stages,
    estimate: sumEstimates(
      stages.map((stage) => stage.estimate),
      observed.basis,
    ),
    ...(copying === null ? {} : { copying }),
  };
  return { ...body, hash: planHash(body) };
}

/** What the makers of stages work from. */
export function taskOf(
  topology: Topology,
  observed: Observed,
  keyspaces: readonly PlanKeyspace[],
  changes: readonly Change[],
): Task {
  const network = networkOf(topology);
  const loads = new Map(observed.keyspaces.map((keyspace) => [keyspace.id, loadMap(keyspace)]));
  // Many steps are about the same segments.
  const sizes = new Map<readonly Segment[], Size>();
  const size = (keyspace: string, segments: readonly Segment[]): Size => {
    const known = sizes.get(segments) ?? sizeOf(loads.get(keyspace) ?? [], segments);
    sizes.set(segments, known);
    return known;
  };
  const standing = standingOf(changes, (keyspace) => observedKeyspace(observed, keyspace));
  const copies = chooseSources(
    changes,
    network.nodes,
    standing,
    ({ keyspace, segments }) => size(keyspace, segments).bytes,
  );
  const risksOf =
    topology.policy.blastRadius === "set"
      ? risksOfSteps(keyspaces, (node) => network.nodes.get(node))
      : () => NO_RISKS;
  return { topology, keyspaces, changes, copies, standing, size, network, risksOf };
}

function makeStages(
  task: Task,
  nodes: Readonly<Record<string, RouteNode>>,
  basis: Observed["basis"],
): ShardStage[] {
  const drafts = [
    preflightStage(task, nodes),
    createStage(task),
    attachStage(task),
    syncStage(task),
    verifyStage(task),
    domainStage(task),
    ...readStages(task),
    writesStage(task),
    settingsStage(task),
    soakStage(task),
    retireStage(task),
  ];
  const sizeOfStep = (step: ShardStep) =>
    "segments" in step ? task.size(step.keyspace, step.segments) : NOTHING;
  return number(drafts).map((stage) => ({
    ...stage,
    estimate: estimateWaves(stage.waves, sizeOfStep, task.network.nodes, basis),
  }));
}

/** Leaves out what is empty, and gives stages and steps their ids. */
export function number(drafts: readonly StageDraft[]): Omit<ShardStage, "estimate">[] {
  let steps = 0;
  return drafts
    .map((draft) => ({ ...draft, waves: draft.waves.filter((wave) => wave.length > 0) }))
    .filter((draft) => draft.waves.length > 0)
    .map(({ kind, suffix, title, waves, undo }, i) => ({
      id: [i + 1, kind, ...(suffix === undefined ? [] : [suffix])].join("-"),
      kind,
      title,
      waves: waves.map((wave) =>
        wave.map((step): ShardStep => ({ id: `s${(steps += 1)}`, ...step })),
      ),
      undo,
    }));
}

/** The data nodes, of `answering` those that answered: those that the plan names, and those that only learn its routes. */
export function routeNodes(
  topology: Topology,
  { unreachable }: Observed,
  which: "answering" | "all" = "answering",
): Record<string, RouteNode> {
  const named = shardNodes(topology);
  const silent = new Set(which === "all" ? [] : unreachable.map(({ node }) => node));
  const nodes: Record<string, RouteNode> = {};
  for (const { id, layer, agent, region, set } of topology.nodes) {
    if (layer !== "data" || silent.has(id)) continue;
    if (agent !== null) nodes[id] = { url: agent, region, set };
    else if (named.has(id)) {
      throw new OpsError("plan/no-agent", EXIT.refused, `Node ${id} holds data but has no agent`, {
        hint: "Give the node the URL of its agent in the topology.",
      });
    }
  }
  return nodes;
}

function refuseUnreachable(topology: Topology, observed: Observed): void {
  const named = shardNodes(topology);
  const missing = observed.unreachable.filter(({ node }) => named.has(node));
  if (missing.length === 0) return;
  const list = missing.map(({ node, why }) => `\n  ${node}: ${why}`).join("");
  throw new OpsError("plan/unreachable", EXIT.unreachable, `Needed agents did not answer:${list}`, {
    hint: "Start them or correct their URLs, then plan again. Without agents: --from BASE.yaml.",
    details: missing,
  });
}

/** A node that holds data but has left the topology has no address: it can neither hand over nor drop. */
export function refuseStrangers(topology: Topology, keyspaces: readonly PlanKeyspace[]): void {
  const known = new Set(topology.nodes.filter(({ layer }) => layer === "data").map(({ id }) => id));
  for (const { id, before } of keyspaces) {
    for (const holding of before) {
      const stranger = copiesOf(holding).find((node) => !known.has(node));
      if (stranger === undefined) continue;
      throw new OpsError(
        "plan/node-missing",
        EXIT.refused,
        `Node ${stranger} holds keyspace ${id}, ${formatSegment(holding)}, but is not a data node of the topology`,
        {
          hint: "Keep the node in the topology, without shards, until the plan that drains it has been finalized.",
        },
      );
    }
  }
}

function shardNodes(topology: Topology): ReadonlySet<string> {
  return new Set(
    topology.keyspaces.flatMap(({ shards }) =>
      shards.flatMap(({ primary, replicas }) => [primary, ...replicas]),
    ),
  );
}
