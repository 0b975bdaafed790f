import { OpsError } from "../errors.js";
import { intersect, normalise, type Piece } from "../keyspace/map.js";
import type { Topology } from "../topology/types.js";
import { changesOf, type Change } from "./changes.js";
import { limitsOf } from "./copying.js";
import type { StageDraft } from "./draft.js";
import { estimateWaves } from "./estimate.js";
import {
  asHoldings,
  currentOwners,
  desiredOwners,
  likelyIn,
  sameOwner,
  type Owner,
} from "./holdings.js";
import { cutAsNamed, newOwner } from "./new-writer.js";
import type { Observed, ObservedKeyspace } from "./observed.js";
import {
  assemblePlan,
  number,
  refuseStrangers,
  routeNodes,
  taskOf,
  type PlanRequest,
} from "./planner.js";
import type { Stays } from "./region/types.js";
import { NOTHING } from "./size.js";
import { preflightStage } from "./stages/preflight.js";
import { syncStage } from "./stages/sync.js";
import { verifyStage } from "./stages/verify.js";
import { writesStage } from "./stages/writes.js";
import type { ShardPlan, PlanKeyspace } from "./types.js";

export interface WritersPlan {
  /** Null where no writes can, or have to, move. */
  readonly plan: ShardPlan | null;
  readonly stays: readonly Stays[];
}

/** Which copies may take the writes of a segment; null where they may stay. */
type Wanted = (piece: Piece<Owner>) => readonly string[] | null;

/**
 * The writes of every segment whose primary is in the region go to a replica in another one: whatever the file says, as things are
 * now, so that it also works in the middle of an expansion. Nobody gains or loses a copy.
 */
export function planLeaving(request: PlanRequest, region: string): WritersPlan {
  const { topology } = request;
  const regions = new Map(topology.nodes.map((node) => [node.id, node.region]));
  return planWriters(
    request,
    () =>
      ({ value: { primary, replicas } }) =>
        regions.get(primary) === region
          ? replicas.filter((node) => regions.get(node) !== region)
          : null,
  );
}

/** The writes go back to the primaries that the file has in the region. */
export function planComingHome(request: PlanRequest, region: string): WritersPlan {
  const { topology } = request;
  const regions = new Map(topology.nodes.map((node) => [node.id, node.region]));
  return planWriters(request, (id) => {
    const keyspace = topology.keyspaces.find((one) => one.id === id);
    const wanted = keyspace === undefined ? [] : desiredOwners(keyspace);
    return (piece) => {
      const [home] = intersect([piece], wanted);
      const primary = home?.value[1].primary;
      if (primary === undefined || regions.get(primary) !== region) return null;
      return primary === piece.value.primary ? null : [primary];
    };
  });
}

function planWriters(request: PlanRequest, wantedIn: (keyspace: string) => Wanted): WritersPlan {
  const { topology, observed } = request;
  const stays: Stays[] = [];
  const keyspaces: PlanKeyspace[] = [];
  const changes: Change[] = [];
  const load = new Map<string, number>();
  for (const live of observed.keyspaces) {
    const { routes } = live;
    if (routes === null || routes.withdrawn || live.entries.length === 0) continue;
    const owners = ownersIn(topology, live, observed, stays);
    const wanted = wantedIn(live.id);
    const cut = owners.flatMap((piece) => cutAsNamed(topology, live.id, piece));
    const moved = cut.map(({ piece, named }) => ({
      ...piece,
      value: newOwner(live, piece, wanted(piece), { topology, named, load, stays }),
    }));
    const after = normalise(moved, sameOwner);
    const found = changesOf(live.id, owners, after);
    if (found.length === 0) continue;
    changes.push(...found);
    keyspaces.push({
      id: live.id,
      sharding: routes.sharding,
      domain: { before: routes.domain, after: routes.domain },
      settings: { before: routes.settings, after: routes.settings },
      before: asHoldings(owners),
      after: asHoldings(after),
    });
  }
  stays.push(...unseen(request));
  if (changes.length === 0) return { plan: null, stays };
  return { plan: planOf(request, keyspaces, changes), stays };
}

/** Keyspaces of the file of which nobody who answers holds anything, while others do not answer. */
function unseen({ topology, observed: { keyspaces, unreachable } }: PlanRequest): Stays[] {
  const seen = keyspaces.filter(({ entries }) => entries.length > 0).map(({ id }) => id);
  const silent = unreachable.map(({ node }) => node).join(", ");
  return topology.keyspaces
    .filter(({ id }) => unreachable.length > 0 && !seen.includes(id))
    .map(({ id }) => ({
      keyspace: id,
      segments: [],
      node: null,
      why: `nobody who answers holds any of it; no answer from ${silent}`,
    }));
}

/** Nobody can say who writes a keyspace: then it is left alone, and the others move. */
function ownersIn(
  topology: Topology,
  live: ObservedKeyspace,
  { unreachable }: Observed,
  stays: Stays[],
): Piece<Owner>[] {
  const named = topology.keyspaces.find(({ id }) => id === live.id);
  const likely = named === undefined ? [] : likelyIn(named);
  try {
    return currentOwners(live, { id: live.id, domain: live.routes!.domain, likely }, unreachable);
  } catch (error) {
    if (!(error instanceof OpsError)) throw error;
    stays.push({ keyspace: live.id, segments: [], node: null, why: error.message });
    return [];
  }
}

function planOf(
  request: PlanRequest,
  keyspaces: readonly PlanKeyspace[],
  changes: readonly Change[],
): ShardPlan {
  const { topology, observed } = request;
  refuseStrangers(topology, keyspaces);
  const nodes = routeNodes(topology, observed, "all");
  const task = taskOf(topology, observed, keyspaces, changes);
  const drafts = [
    preflightStage(task, nodes),
    syncStage(task),
    unlessProven(verifyStage(task)),
    writesStage(task),
  ];
  const stages = number(drafts).map((stage) => ({
    ...stage,
    estimate: estimateWaves(
      stage.waves,
      (step) => ("segments" in step ? task.size(step.keyspace, step.segments) : NOTHING),
      task.network.nodes,
      observed.basis,
    ),
  }));
  const limits = limitsOf(task);
  return assemblePlan(request, { keyspaces, nodes, limits, stages, copying: null });
}

/** To compare all of a region's data takes hours, and copies that stream were compared when they were made. */
function unlessProven(draft: StageDraft): StageDraft {
  return {
    ...draft,
    waves: draft.waves.map((wave) =>
      wave.map((step) =>
        step.kind === "verify" ? { ...step, unlessProven: true as const } : step,
      ),
    ),
  };
}
