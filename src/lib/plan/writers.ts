import { OpsError } from "../errors.js";
import { compare, intersect, normalise, subtract, type Piece } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import type { Node, Topology } from "../topology/types.js";
import { changesOf, type Change } from "./changes.js";
import { limitsOf } from "./copying.js";
import type { StageDraft } from "./draft.js";
import { estimateWaves } from "./estimate.js";
import {
  asHoldings,
  copiesOf,
  currentOwners,
  desiredOwners,
  likelyIn,
  sameOwner,
  type Owner,
} from "./holdings.js";
import type { Observed, ObservedKeyspace } from "./observed.js";
import { compareText } from "./order.js";
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
import type { Plan, PlanKeyspace } from "./types.js";

export interface WritersPlan {
  /** Null where no writes can, or have to, move. */
  readonly plan: Plan | null;
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

interface Part {
  readonly piece: Piece<Owner>;
  /** Who holds it by the file. */
  readonly named: readonly string[];
}

/** A part that one shard of the file has may have to go elsewhere than its neighbour. */
function cutAsNamed(topology: Topology, id: string, piece: Piece<Owner>): Part[] {
  const named = topology.keyspaces.find((keyspace) => keyspace.id === id);
  const wanted = named === undefined ? [] : desiredOwners(named);
  const parts = intersect([piece], wanted).map(({ lo, hi, value: [value, owner] }): Part => ({
    piece: { lo, hi, value },
    named: copiesOf(owner),
  }));
  const rest = subtract(
    [piece],
    parts.map((part) => part.piece),
  ).map(({ lo, hi }): Part => ({ piece: { lo, hi, value: piece.value }, named: [] }));
  return [...parts, ...rest].toSorted((a, b) => compare(a.piece.lo, b.piece.lo));
}

interface Choosing {
  readonly topology: Topology;
  readonly named: readonly string[];
  /** What the nodes that were chosen got so far: shares of keyspaces, whose widths compare with nothing, against what they can do. */
  readonly load: Map<string, number>;
  readonly stays: Stays[];
}

/** The same copies; of those that may, a whole one that streams writes, the one with the least to do so far. */
function newOwner(
  live: ObservedKeyspace,
  { lo, hi, value }: Piece<Owner>,
  wanted: readonly string[] | null,
  { topology, named, load, stays }: Choosing,
): Owner {
  if (wanted === null) return value;
  const nodes = new Map(topology.nodes.map((node) => [node.id, node]));
  const { primary } = value;
  const able = wanted.filter((node) => streams(live, node, { lo, hi }));
  const stay = (why: string) => {
    stays.push({ keyspace: live.id, segments: [{ lo, hi }], node: primary, why });
    return value;
  };
  if (isSilent(live, primary, { lo, hi })) return stay(`${primary} does not answer`);
  if (wanted.length === 0) return stay("there is no replica elsewhere");
  // One that an expansion is just making may be taken back with it.
  const rank = (node: string) => (named.includes(node) ? 0 : 1);
  const [best] = able.toSorted(
    (a, b) => rank(a) - rank(b) || (load.get(a) ?? 0) - (load.get(b) ?? 0) || compareText(a, b),
  );
  if (best === undefined) return stay(`no copy keeps up with ${primary}: ${wanted.join(", ")}`);
  const { domain } = live.routes!;
  const share = Number(hi - lo) / Number(domain.hi - domain.lo);
  load.set(best, (load.get(best) ?? 0) + share / opsOf(nodes.get(best)));
  const replicas = copiesOf(value).filter((node) => node !== best);
  return { ...value, primary: best, replicas: replicas.toSorted(compareText) };
}

function opsOf(node: Node | undefined): number {
  return node?.capacity.opsPerSecond ?? 1;
}

/** Whether all that the node holds of the segment is whole and keeps up. */
function streams({ entries }: ObservedKeyspace, node: string, { lo, hi }: Segment): boolean {
  const held = entries.filter(
    (entry) => entry.node === node && entry.segment.lo < hi && lo < entry.segment.hi,
  );
  return held.length > 0 && held.every(({ streaming }) => streaming);
}

/** Its entry is only what the routes say of it. */
function isSilent({ entries }: ObservedKeyspace, primary: string, { lo, hi }: Segment): boolean {
  return entries.some(
    ({ node, segment, streaming }) =>
      node === primary && segment.lo < hi && lo < segment.hi && !streaming,
  );
}

function planOf(
  request: PlanRequest,
  keyspaces: readonly PlanKeyspace[],
  changes: readonly Change[],
): Plan {
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
