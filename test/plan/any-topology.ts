import fc from "fast-check";
import { ringSegments } from "../../src/lib/keyspace/ring.js";
import { POSITION_END, type Segment } from "../../src/lib/keyspace/segment.js";
import type { Keyspace, Policy, Shard, Topology } from "../../src/lib/topology/types.js";
import { NODES, POLICY, topologyOf } from "./cluster.js";

const SHARDS = ["p0", "p1", "p2", "p3", "p4"];
/** Few, so that shards meet on one node, and copies take each other's place. */
const HOLDERS = NODES.slice(0, 7).map(({ id }) => id);

interface Copies {
  readonly primary: string;
  readonly replicas: readonly string[];
}

const copies: fc.Arbitrary<Copies> = fc
  .shuffledSubarray(HOLDERS, { minLength: 1, maxLength: 4 })
  .map(([primary, ...replicas]) => ({ primary: primary!, replicas }));

const placed = fc.array(copies, { minLength: SHARDS.length, maxLength: SHARDS.length });

const RANGE = { sync: "global", sharding: "range" } as const;
const RING = { sync: "global", sharding: "consistent-hash" } as const;

/** What the settings of a keyspace follow from. */
const settled = {
  class: fc.constantFrom("relationship" as const, "status" as const),
  ack: fc.constantFrom("local" as const, "follower" as const),
};

/** Any owners of any segments of a domain that overlaps others of this kind. */
function anyRange(id: string): fc.Arbitrary<Keyspace> {
  return fc
    .record({
      lo: fc.bigInt({ min: 0n, max: 400n }),
      hi: fc.bigInt({ min: 600n, max: 1000n }),
      cuts: fc.uniqueArray(fc.bigInt({ min: 1n, max: 999n }), { maxLength: 8 }),
      ...settled,
      owners: fc.array(fc.nat({ max: SHARDS.length - 1 }), { minLength: 9, maxLength: 9 }),
      placed,
    })
    .map(({ lo, hi, cuts, owners, placed: places, ...settings }): Keyspace => {
      const inner = cuts.filter((cut) => cut > lo && cut < hi);
      const edges = [lo, ...inner.toSorted((a, b) => (a < b ? -1 : 1)), hi];
      const owned = new Map<string, Segment[]>();
      for (const [i, end] of edges.slice(1).entries()) {
        const shard = SHARDS[owners[i]!]!;
        owned.set(shard, [...(owned.get(shard) ?? []), { lo: edges[i]!, hi: end }]);
      }
      const shards = [...owned].map(([shard, segments]): Shard => ({
        id: shard,
        segments,
        ...places[SHARDS.indexOf(shard)]!,
      }));
      return { ...RANGE, ...settings, id, domain: { lo, hi }, shards };
    });
}

/** Any shards, anywhere, with any number of places on the ring. */
function anyRing(id: string): fc.Arbitrary<Keyspace> {
  return fc
    .record({
      names: fc.shuffledSubarray(SHARDS, { minLength: 1 }),
      virtualNodes: fc.integer({ min: 1, max: 6 }),
      ...settled,
      placed,
    })
    .map(({ names, virtualNodes, placed: places, ...settings }): Keyspace => {
      const ring = ringSegments(names, virtualNodes);
      const shards = names
        .map((name): Shard => ({
          id: name,
          segments: ring.get(name)!,
          ...places[SHARDS.indexOf(name)]!,
        }))
        .filter(({ segments }) => segments.length > 0);
      return { ...RING, ...settings, id, domain: { lo: 0n, hi: POSITION_END }, shards };
    });
}

const maybe = (keyspace: fc.Arbitrary<Keyspace>) => fc.option(keyspace, { nil: null });

/** Up to two range-sharded keyspaces and one on a ring, each there or not. */
const keyspaces: fc.Arbitrary<Keyspace[]> = fc
  .tuple(maybe(anyRange("profile")), maybe(anyRange("album")), maybe(anyRing("status")))
  .map((found) => found.filter((keyspace) => keyspace !== null));

const policies: fc.Arbitrary<Policy> = fc
  .record({
    perNode: fc.integer({ min: 1, max: 3 }),
    total: fc.integer({ min: 1, max: 6 }),
    canary: fc.constantFrom(0, 0.01, 0.5, 1),
    slices: fc.integer({ min: 1, max: 4 }),
    reads: fc.constantFrom([100], [1, 10, 50, 100]),
    syncWindowMs: fc.constantFrom(0, 1000),
    blastRadius: fc.constantFrom("unlimited" as const, "set" as const),
  })
  .map(({ perNode, total, canary, slices, reads, syncWindowMs, blastRadius }) => ({
    ...POLICY,
    syncWindowMs,
    blastRadius,
    concurrency: { perNode, total },
    promotion: { reads, canary, slices },
  }));

export interface TopologyPair {
  readonly before: Topology;
  readonly after: Topology;
}

/** From any topology to any other: every kind of change, and several of them at once. */
export const topologyPairs: fc.Arbitrary<TopologyPair> = fc
  .record({ before: keyspaces, after: keyspaces, policy: policies, other: policies })
  .map(({ before, after, policy, other }) => ({
    before: topologyOf(before, other),
    after: topologyOf(after, policy),
  }));
