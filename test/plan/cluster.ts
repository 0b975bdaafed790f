import { ringSegments } from "../../src/lib/keyspace/ring.js";
import { POSITION_END, type Segment } from "../../src/lib/keyspace/segment.js";
import { observedFromTopology, type Observed } from "../../src/lib/plan/observed.js";
import { planShards } from "../../src/lib/plan/planner.js";
import type { ShardPlan, ShardStep } from "../../src/lib/plan/types.js";
import type { Keyspace, Node, Policy, Shard, Topology } from "../../src/lib/topology/types.js";

const REGIONS = ["sh", "sz", "tj"] as const;

/** Data nodes `sh-1-d1`.. over three regions with two sets of two nodes each. */
export const NODES: readonly Node[] = REGIONS.flatMap((region) =>
  [1, 2].flatMap((set) =>
    [1, 2].map((number): Node => ({
      id: `${region}-${set}-d${number}`,
      set: `${region}-${set}`,
      idc: `${region}-idc`,
      region,
      layer: "data",
      agent: `http://127.0.0.1/${region}-${set}-d${number}`,
      engine: "embedded",
      capacity: { memoryBytes: 64 * 2 ** 30, opsPerSecond: 50_000, networkBitsPerSecond: 10e9 },
    })),
  ),
);

export const POLICY: Policy = {
  regionsLost: 1,
  headroom: 0.2,
  skew: 2,
  syncWindowMs: 1000,
  rules: [],
  spread: "region",
  promotion: { reads: [1, 10, 50, 100], canary: 0.01, slices: 2 },
  gates: {
    windowSeconds: 30,
    minSamples: 100,
    whenQuiet: "proceed",
    maxErrorRate: 0.01,
    maxP99Ratio: 2,
    p99FloorMs: 20,
    maxLagMs: 500,
    checkUrl: null,
  },
  concurrency: { perNode: 2, total: 4 },
  linkBytesPerSecond: 20_000_000,
  lineShare: 0.5,
  blastRadius: "unlimited",
  takeoverBudgetMs: 500,
  soakSeconds: 600,
};

export function topologyOf(keyspaces: readonly Keyspace[], policy: Policy = POLICY): Topology {
  return {
    name: "three-regions",
    regions: REGIONS.map((id) => ({ id })),
    idcs: REGIONS.map((region) => ({
      id: `${region}-idc`,
      region,
      carriers: ["telecom"],
      carrierUsers: {},
    })),
    sets: REGIONS.flatMap((region) =>
      [1, 2].map((set) => ({
        id: `${region}-${set}`,
        idc: `${region}-idc`,
        region,
        capacity: { onlineUsers: 1_000_000, loginsPerSecond: 10_000 },
      })),
    ),
    nodes: NODES,
    keyspaces,
    demand: null,
    links: [],
    policy,
  };
}

export function rangeKeyspace(id: string, shards: readonly Shard[], hi = 1000n): Keyspace {
  return {
    id,
    class: "relationship",
    sync: "global",
    ack: "local",
    sharding: "range",
    domain: { lo: 0n, hi },
    shards,
  };
}

export function shard(
  id: string,
  lo: bigint,
  hi: bigint,
  primary: string,
  ...replicas: string[]
): Shard {
  return { id, segments: [{ lo, hi }], primary, replicas };
}

/** Without replicas; a shard is its id and its primary. */
export function ringKeyspace(
  id: string,
  virtualNodes: number,
  shards: readonly (readonly [string, string])[],
): Keyspace {
  const names = shards.map(([name]) => name);
  const segments = ringSegments(names, virtualNodes);
  return {
    id,
    class: "status",
    sync: "local",
    ack: "local",
    sharding: "consistent-hash",
    domain: { lo: 0n, hi: POSITION_END },
    shards: shards.map(([name, primary]): Shard => ({
      id: name,
      segments: segments.get(name)!,
      primary,
      replicas: [],
    })),
  };
}

export function planFor(topology: Topology, observed: Observed): ShardPlan {
  return planShards({
    topology,
    observed,
    createdAt: "2026-01-01T00:00:00.000Z",
    topologyHash: "t",
  });
}

/** As if `before` were in force. */
export function planBetween(before: Topology, after: Topology): ShardPlan {
  return planFor(after, observedFromTopology(before));
}

export function stepsOf<K extends ShardStep["kind"]>(
  of: ShardPlan,
  kind: K,
): Extract<ShardStep, { kind: K }>[] {
  return of.stages
    .flatMap((stage) => stage.waves.flat())
    .filter((step): step is Extract<ShardStep, { kind: K }> => step.kind === kind);
}

export function ranges(segments: readonly Segment[]): string {
  return segments.map(({ lo, hi }) => `${lo}-${hi}`).join(" ");
}
