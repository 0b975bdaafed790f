import fc from "fast-check";
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
  takeoverBudgetMs: 500,
  soakSeconds: 600,
};

export function topologyOf(keyspaces: readonly Keyspace[], policy: Policy = POLICY): Topology {
  return {
    name: "three-regions",
    regions: REGIONS.map((id) => ({ id })),
    idcs: REGIONS.map((region) => ({ id: `${region}-idc`, region, carriers: ["telecom"] })),
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

/** A keyspace over [0, 1000) in which every shard has its own primary, and up to three replicas anywhere. */
export function anyKeyspace(id: string): fc.Arbitrary<Keyspace> {
  return fc
    .record({
      cuts: fc.uniqueArray(fc.bigInt({ min: 1n, max: 999n }), { maxLength: 5 }),
      order: fc.shuffledSubarray(
        NODES.map((node) => node.id),
        { minLength: NODES.length },
      ),
      owners: fc.array(fc.nat({ max: 3 }), { minLength: 6, maxLength: 6 }),
      replicas: fc.array(fc.uniqueArray(fc.nat({ max: NODES.length - 1 }), { maxLength: 3 }), {
        minLength: 4,
        maxLength: 4,
      }),
    })
    .map(({ cuts, order, owners, replicas }) => {
      const edges = [0n, ...cuts.toSorted((a, b) => (a < b ? -1 : 1)), 1000n];
      const shards = [0, 1, 2, 3].map((number): Shard => {
        const primary = order[number]!;
        const others = replicas[number]!.map((index) => NODES[index]!.id).filter(
          (node) => node !== primary,
        );
        const segments = edges
          .slice(1)
          .flatMap((hi, i) => (owners[i] === number ? [{ lo: edges[i]!, hi }] : []));
        return { id: `p${number}`, segments, primary, replicas: others };
      });
      return rangeKeyspace(
        id,
        shards.filter((one) => one.segments.length > 0),
      );
    });
}
