import { sortSegments } from "../keyspace/map.js";
import { ringSegments } from "../keyspace/ring.js";
import { POSITION_END, type Segment } from "../keyspace/segment.js";
import { demandOf, linkOf, loadOf } from "./resolve-demand.js";
import type {
  DocumentCarriers,
  DocumentKeyspace,
  DocumentNode,
  DocumentPolicy,
  TopologyDocument,
} from "./schema.js";
import type { Idc, Keyspace, Layer, Node, Policy, SetSpec, Shard, Topology } from "./types.js";

/** The topology that a valid document describes: flat lists, every segment known. */
export function resolve(document: TopologyDocument): Topology {
  const idcs: Idc[] = [];
  const sets: SetSpec[] = [];
  const nodes: Node[] = [];
  for (const [region, { idcs: idcMap }] of Object.entries(document.regions)) {
    for (const [idc, { carriers, sets: setMap }] of Object.entries(idcMap)) {
      idcs.push({ id: idc, region, ...carriersOf(carriers) });
      for (const [set, spec] of Object.entries(setMap)) {
        sets.push({ id: set, idc, region, capacity: spec.capacity });
        for (const layer of ["access", "logic", "data"] as const) {
          for (const [id, node] of Object.entries<DocumentNode>(spec[layer]?.nodes ?? {})) {
            nodes.push(nodeOf(id, node, layer, { set, idc, region }));
          }
        }
      }
    }
  }
  return {
    name: document.name,
    regions: Object.keys(document.regions).map((id) => ({ id })),
    idcs,
    sets,
    nodes,
    keyspaces: Object.entries(document.keyspaces).map(([id, keyspace]) => keyspaceOf(id, keyspace)),
    demand: document.demand ? demandOf(document.demand) : null,
    links: document.links.map(linkOf),
    policy: policyOf(document.policy),
  };
}

function carriersOf(carriers: DocumentCarriers): Pick<Idc, "carriers" | "carrierUsers"> {
  if (Array.isArray(carriers)) return { carriers, carrierUsers: {} };
  const limits = Object.entries(carriers).flatMap(([id, users]) =>
    users === null ? [] : [[id, users] as const],
  );
  return { carriers: Object.keys(carriers), carrierUsers: Object.fromEntries(limits) };
}

function nodeOf(
  id: string,
  node: DocumentNode,
  layer: Layer,
  place: { readonly set: string; readonly idc: string; readonly region: string },
): Node {
  return {
    id,
    ...place,
    layer,
    agent: node.agent ?? null,
    engine: "engine" in node ? node.engine : null,
    capacity: {
      memoryBytes: node.capacity.memory,
      opsPerSecond: node.capacity.ops,
      networkBitsPerSecond: node.capacity.network,
    },
  };
}

function keyspaceOf(id: string, keyspace: DocumentKeyspace): Keyspace {
  const { class: kind, sync, ack } = keyspace;
  const load = keyspace.load ? { load: loadOf(keyspace.load) } : {};
  if (keyspace.sharding === "range") {
    const { domain } = keyspace;
    const shards = Object.entries(keyspace.shards).map(([shard, spec]) =>
      shardOf(shard, spec, sortSegments(spec.segments)),
    );
    return { id, class: kind, sync, ack, sharding: "range", domain, ...load, shards };
  }
  const ring = ringSegments(Object.keys(keyspace.shards), keyspace.virtualNodes);
  const shards = Object.entries(keyspace.shards).map(([shard, spec]) =>
    shardOf(shard, spec, ring.get(shard) ?? []),
  );
  const domain = { lo: 0n, hi: POSITION_END };
  return { id, class: kind, sync, ack, sharding: "consistent-hash", domain, ...load, shards };
}

function shardOf(
  id: string,
  { primary, replicas, share }: DocumentKeyspace["shards"][string],
  segments: readonly Segment[],
): Shard {
  return { id, segments, primary, replicas, ...(share === undefined ? {} : { share }) };
}

function policyOf(policy: DocumentPolicy): Policy {
  const { gates } = policy;
  return {
    regionsLost: policy.regionsLost,
    headroom: policy.headroom,
    skew: policy.skew,
    syncWindowMs: policy.syncWindow,
    rules: Object.entries(policy.rules).map(([rule, { severity, reason }]) => ({
      rule,
      severity,
      reason,
    })),
    spread: policy.spread,
    promotion: policy.promotion,
    gates: {
      windowSeconds: gates.window / 1000,
      minSamples: gates.minSamples,
      whenQuiet: gates.whenQuiet,
      maxErrorRate: gates.maxErrorRate,
      maxP99Ratio: gates.maxP99Ratio,
      p99FloorMs: gates.p99Floor,
      maxLagMs: gates.maxLag,
      checkUrl: gates.checkUrl,
    },
    concurrency: policy.concurrency,
    linkBytesPerSecond: policy.bandwidth.perLink,
    lineShare: policy.bandwidth.lineShare,
    blastRadius: policy.blastRadius,
    takeoverBudgetMs: policy.takeover.budget,
    soakSeconds: policy.soak / 1000,
  };
}
