import { DEFAULT_SETTINGS } from "../routing/settings.js";
import { settingsOf } from "./settings.js";
import { EXIT, OpsError } from "../errors.js";
import type { Topology } from "../topology/types.js";
import { losslessUndo, type StageDraft } from "./draft.js";
import { estimateWaves } from "./estimate.js";
import { asHoldings, currentOwners, likelyIn } from "./holdings.js";
import type { Observed, ObservedKeyspace } from "./observed.js";
import { assemblePlan, number, refuseStrangers, routeNodes, type PlanRequest } from "./planner.js";
import { NOTHING } from "./size.js";
import type { ShardPlan, PlanKeyspace } from "./types.js";

export interface AdoptionRequest extends PlanRequest {
  /** The control plane that each data node obeys, null for none yet; and how often it has changed it. */
  readonly lineages: ReadonlyMap<
    string,
    { readonly lineage: string | null; readonly lineageChanges: number }
  >;
  /** The one that is to have them; null where it has no name yet. */
  readonly lineage: string | null;
  /** Keyspaces whose routes are not everywhere as their holders are. */
  readonly misrouted: ReadonlySet<string>;
}

/**
 * What must be done so that this control plane has the nodes and what they hold, as it is: nobody gains or loses a copy. No stages
 * when it has. Throws OpsError `plan/unreachable` (exit 9) unless every data node has answered, `plan/lineages`, and as
 * `currentOwners` and `refuseStrangers` do.
 */
export function planAdoption(request: AdoptionRequest): ShardPlan {
  const { topology, observed, lineages, lineage } = request;
  refuseSilent(observed);
  const foreign = [...lineages].flatMap(([node, { lineage: from, lineageChanges: changes }]) =>
    from === null || from === lineage ? [] : [{ node, from, changes }],
  );
  refuseSeveral(foreign);
  const adopts = foreign.length > 0;
  const held = observed.keyspaces.filter(({ entries }) => entries.length > 0);
  const found = held.flatMap((live) => keyspaceOf(topology, live, observed));
  const isPublished = ({ id, domain }: PlanKeyspace) =>
    domain.after !== null && (adopts || domain.before === null || request.misrouted.has(id));
  const published = found.filter(isPublished);
  const keyspaces = adopts ? orOne(found, topology) : published;
  refuseStrangers(topology, keyspaces);
  const nodes = keyspaces.length > 0 ? routeNodes(topology, observed) : {};
  const specs = new Map(topology.nodes.map((node) => [node.id, node]));
  const stages = number([
    preflight(Object.keys(nodes)),
    {
      kind: "adopt",
      title: "the agents obey this control plane",
      waves: [foreign.map((node) => ({ kind: "adopt" as const, ...node }))],
      undo: losslessUndo("nothing to undo: the agents stay with this control plane"),
    },
    {
      kind: "promote-reads",
      suffix: "first",
      title: "routes to those who hold it",
      waves: [published.map(({ id, domain }) => publish(id, domain))],
      undo: losslessUndo("routes that there were stay; others are withdrawn, the data stays"),
    },
  ]).map((stage) => ({
    ...stage,
    estimate: estimateWaves(stage.waves, () => NOTHING, specs, "measured"),
  }));
  const { perNode, total } = topology.policy.concurrency;
  const limits = { perNode, total };
  return assemblePlan(request, { keyspaces, nodes, limits, stages, copying: null });
}

function preflight(nodes: readonly string[]): StageDraft {
  return {
    kind: "preflight",
    title: "every agent is reachable and who it should be",
    waves: [nodes.map((node) => ({ kind: "preflight" as const, node, bytesIn: 0n }))],
    undo: losslessUndo("nothing to undo"),
  };
}

function publish(keyspace: string, { before, after }: PlanKeyspace["domain"]) {
  return { kind: "domain" as const, keyspace, before, after, anew: true as const };
}

/** As it is held. Not one that the file does not name and that no routes tell how to read. */
function keyspaceOf(
  topology: Topology,
  live: ObservedKeyspace,
  observed: Observed,
): PlanKeyspace[] {
  const { id, routes } = live;
  const named = topology.keyspaces.find((keyspace) => keyspace.id === id);
  const sharding = routes?.sharding ?? named?.sharding;
  if (sharding === undefined) return [];
  const routed = routes === null || routes.withdrawn ? null : routes.domain;
  const domain = routed ?? named?.domain ?? null;
  const shape = { id, domain, likely: named === undefined ? [] : likelyIn(named) };
  const holdings = asHoldings(currentOwners(live, shape, observed.unreachable));
  const settings =
    routes?.settings ??
    (named === undefined ? DEFAULT_SETTINGS : settingsOf(named, topology.policy));
  return [
    {
      id,
      sharding,
      domain: { before: routed, after: domain },
      settings: { before: settings, after: settings },
      before: holdings,
      after: holdings,
    },
  ];
}

/** A run has the lock of something; where nobody holds anything, of the first keyspace of the file. */
function orOne(found: readonly PlanKeyspace[], { keyspaces }: Topology): readonly PlanKeyspace[] {
  const [first] = keyspaces;
  if (found.length > 0 || first === undefined) return found;
  const { id, sharding } = first;
  return [
    {
      id,
      sharding,
      domain: { before: null, after: null },
      settings: { before: DEFAULT_SETTINGS, after: DEFAULT_SETTINGS },
      before: [],
      after: [],
    },
  ];
}

function refuseSilent({ unreachable }: Observed): void {
  if (unreachable.length === 0) return;
  const list = unreachable.map(({ node, why }) => `\n  ${node}: ${why}`).join("");
  throw new OpsError(
    "plan/unreachable",
    EXIT.unreachable,
    `What these nodes hold, and whom they obey, is not known:${list}`,
    { hint: "Start their agents, or correct their URLs; then adopt again.", details: unreachable },
  );
}

function refuseSeveral(foreign: readonly { readonly node: string; readonly from: string }[]): void {
  const lineages = [...new Set(foreign.map(({ from }) => from))].toSorted();
  if (lineages.length < 2) return;
  const nodesOf = (lineage: string) =>
    foreign.filter(({ from }) => from === lineage).map(({ node }) => node);
  const list = lineages.map((one) => `\n  ${one}: ${nodesOf(one).join(", ")}`).join("");
  throw new OpsError(
    "plan/lineages",
    EXIT.refused,
    `The nodes obey more than one other control plane:${list}`,
    {
      hint: "Adopt with the state directory (--state) of one of them, or leave the nodes of the others out of the topology.",
      details: foreign,
    },
  );
}
