import { expect, test } from "vitest";
import { FITNESS_RULES } from "../../../src/lib/topology/rules/registry.js";
import type { FitnessRule } from "../../../src/lib/topology/rules/rule.js";
import type { Keyspace, Node, Shard, Topology } from "../../../src/lib/topology/types.js";
import { POLICY } from "../../plan/cluster.js";

const REGIONS = 10;
const IDCS = 10;
const CAPACITY = { memoryBytes: 1e11, opsPerSecond: 1e6, networkBitsPerSecond: 1e11 };
const COST = { memoryBytes: 1000, opsPerSecond: 0.01, networkBitsPerSecond: 100 };

/** Ten regions of ten idcs each, all demand stated, nothing short: so that every rule looks at everything. */
function service(nodes: number, segments: number): Topology {
  const idcs = Array.from({ length: REGIONS * IDCS }, (_, i) => ({
    id: `i${i}`,
    region: `r${i % REGIONS}`,
    carriers: [`c${i % 4}`, `c${(i + 1) % 4}`],
    carrierUsers: { [`c${i % 4}`]: 5e5 },
  }));
  const layers = ["access", "logic", "data", "data", "data"] as const;
  const all = Array.from({ length: nodes }, (_, n): Node => {
    const { id: idc, region } = idcs[n % idcs.length]!;
    const layer = layers[Math.floor(n / idcs.length) % layers.length]!;
    return {
      id: `n${n}`,
      set: `${idc}-a`,
      idc,
      region,
      layer,
      agent: null,
      engine: "embedded",
      capacity: CAPACITY,
    };
  });
  const data = all.filter(({ layer }) => layer === "data");
  const regions = Array.from({ length: REGIONS }, (_, i) => ({ id: `r${i}` }));
  return {
    name: "large",
    regions,
    idcs,
    sets: idcs.map(({ id, region }) => ({
      id: `${id}-a`,
      idc: id,
      region,
      capacity: { onlineUsers: 1e6, loginsPerSecond: 1e4 },
    })),
    nodes: all,
    keyspaces: [keyspace(data, segments)],
    demand: {
      onlineUsers: 5e7,
      loginsPerSecond: 1e5,
      carriers: ["c0", "c1", "c2", "c3"].map((id) => ({ id, share: 0.2 })),
      provinces: [],
      perUser: { access: COST, logic: COST, data: COST },
    },
    links: regions.flatMap(({ id: a }, i) =>
      regions.slice(i + 1).map(({ id: b }) => ({ between: [a, b] as const, bitsPerSecond: 1e12 })),
    ),
    policy: POLICY,
  };
}

/** As many shards as data nodes, each in three regions, the segments dealt out to them in turn. */
function keyspace(data: readonly Node[], segments: number): Keyspace {
  const owned = data.map((): { lo: bigint; hi: bigint }[] => []);
  for (let i = 0; i < segments; i += 1) {
    owned[i % data.length]!.push({ lo: BigInt(i), hi: BigInt(i + 1) });
  }
  return {
    id: "profile",
    class: "status",
    sync: "global",
    ack: "local",
    sharding: "range",
    domain: { lo: 0n, hi: BigInt(segments) },
    load: {
      bytes: 1e12,
      readsPerSecond: 1e6,
      writesPerSecond: 1e5,
      readBytesPerSecond: 1e8,
      changeBytesPerSecond: 1e8,
      changedKeys: 5e4,
    },
    shards: data.map((node, i): Shard => ({
      id: `s${i}`,
      segments: owned[i]!,
      primary: node.id,
      replicas: [1, 2].map((step) => data[(i + step) % data.length]!.id),
    })),
  };
}

/** The topology, and how many of its fields and list items have been read so far. */
function counted(topology: Topology): {
  readonly topology: Topology;
  readonly reads: () => number;
} {
  let reads = 0;
  const views = new WeakMap<object, object>();
  const view = <T>(value: T): T => {
    if (typeof value !== "object" || value === null) return value;
    const known = views.get(value);
    if (known) return known as T;
    const proxy = new Proxy(value, {
      get(target, key) {
        reads += 1;
        return view(Reflect.get(target, key) as unknown);
      },
    });
    views.set(value, proxy);
    return proxy;
  };
  return { topology: view(topology), reads: () => reads };
}

function work(rule: FitnessRule, nodes: number, segments: number): number {
  const { topology, reads } = counted(service(nodes, segments));
  for (const finding of rule.check(topology)) expect(finding.message).not.toBe("");
  return reads();
}

test.each([...FITNESS_RULES])(
  "$id looks at 3,000 nodes and 100,000 segments a few times",
  (rule) => {
    const half = work(rule, 1500, 50_000);
    const whole = work(rule, 3000, 100_000);
    // Twice as much of everything is twice the work: nothing is squared.
    expect(whole).toBeLessThan(2.3 * half);
    // Every field of every node, segment and copy, a handful of times.
    expect(whole).toBeLessThan(20 * (3000 + 100_000));
  },
);
