import fc from "fast-check";
import type {
  Idc,
  Keyspace,
  Node,
  Policy,
  Shard,
  Topology,
} from "../../../src/lib/topology/types.js";
import { POLICY } from "../../plan/cluster.js";

/** Small services with any number of everything, for comparing the rules with brute force. Amounts are whole numbers. */

const CARRIERS = ["c0", "c1", "c2", "c3"] as const;

const COSTLESS = { memoryBytes: 0, opsPerSecond: 0, networkBitsPerSecond: 0 };

const anyIdcs = fc
  .array(
    fc.record({
      region: fc.nat({ max: 2 }),
      carriers: fc.subarray([...CARRIERS], { minLength: 1 }),
      users: fc.nat({ max: 12 }),
      lines: fc.dictionary(fc.constantFrom(...CARRIERS), fc.nat({ max: 5 }), { maxKeys: 2 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((list) => list.map((idc, i) => ({ ...idc, region: `r${idc.region}`, id: `i${i}` })));

const anyDemand = fc.record({
  users: fc.uniqueArray(fc.constantFrom(...CARRIERS), { maxLength: 4 }),
  counts: fc.array(fc.nat({ max: 8 }), { minLength: 4, maxLength: 4 }),
  rest: fc.integer({ min: 1, max: 6 }),
});

/** Users of carriers over idcs. `count` of a carrier's users are `demand.carriers[i].share * demand.onlineUsers`. */
export const anyUsers: fc.Arbitrary<Topology> = fc
  .record({ idcs: anyIdcs, demand: anyDemand, regionsLost: fc.nat({ max: 2 }) })
  .map(({ idcs, demand, regionsLost }) => {
    const counts = demand.users.map((id, i) => ({ id, count: demand.counts[i]! }));
    const onlineUsers = counts.reduce((sum, { count }) => sum + count, demand.rest);
    return {
      ...empty({ ...POLICY, regionsLost }),
      regions: [...new Set(idcs.map(({ region }) => region))].map((id) => ({ id })),
      idcs: idcs.map(({ id, region, carriers, lines }): Idc => ({
        id,
        region,
        carriers,
        carrierUsers: Object.fromEntries(
          carriers.flatMap((c) => (c in lines ? [[c, lines[c]!]] : [])),
        ),
      })),
      sets: idcs.map(({ id, region, users }) => ({
        id: `${id}-a`,
        idc: id,
        region,
        capacity: { onlineUsers: users, loginsPerSecond: 0 },
      })),
      demand: {
        onlineUsers,
        loginsPerSecond: 0,
        carriers: counts.map(({ id, count }) => ({ id, share: count / onlineUsers })),
        provinces: [],
        perUser: { access: COSTLESS, logic: COSTLESS, data: COSTLESS },
      },
    };
  });

const anyCapacity = fc.record({
  memoryBytes: fc.integer({ min: 1, max: 400 }),
  opsPerSecond: fc.integer({ min: 1, max: 400 }),
  networkBitsPerSecond: fc.integer({ min: 1, max: 3000 }),
});

const anyLoad = fc.record({
  bytes: fc.nat({ max: 600 }),
  readsPerSecond: fc.nat({ max: 600 }),
  writesPerSecond: fc.nat({ max: 300 }),
  readBytesPerSecond: fc.nat({ max: 300 }),
  changeBytesPerSecond: fc.nat({ max: 300 }),
  changedKeys: fc.option(fc.nat({ max: 300 }), { nil: null }),
});

const anyShard = fc.record({
  width: fc.integer({ min: 1, max: 5 }),
  copies: fc.uniqueArray(fc.nat({ max: 5 }), { minLength: 1, maxLength: 4 }),
});

const anyKeyspace = fc.record({
  class: fc.constantFrom("status" as const, "relationship" as const),
  ack: fc.constantFrom("local" as const, "local" as const, "follower" as const),
  load: anyLoad,
  shards: fc.array(anyShard, { minLength: 1, maxLength: 4 }),
});

/** Six data nodes in four idcs of three regions, links between two pairs of them, and keyspaces on them. */
export const anyData: fc.Arbitrary<Topology> = fc
  .record({
    capacities: fc.array(anyCapacity, { minLength: 6, maxLength: 6 }),
    bandwidths: fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 2, maxLength: 2 }),
    keyspaces: fc.array(anyKeyspace, { maxLength: 2 }),
    regionsLost: fc.nat({ max: 2 }),
    syncWindowMs: fc.constantFrom(0, 500, 1000, 3000),
  })
  .map(({ capacities, bandwidths, keyspaces, regionsLost, syncWindowMs }) => {
    const places = ["r0 i0", "r0 i1", "r0 i1", "r1 i2", "r2 i3", "r2 i3"].map((p) => p.split(" "));
    return {
      ...empty({ ...POLICY, regionsLost, syncWindowMs }),
      regions: ["r0", "r1", "r2"].map((id) => ({ id })),
      idcs: ["r0 i0", "r0 i1", "r1 i2", "r2 i3"].map((place) => {
        const [region, id] = place.split(" ");
        return { id: id!, region: region!, carriers: ["c0"], carrierUsers: {} };
      }),
      nodes: places.map(([region, idc], i): Node => ({
        id: `n${i}`,
        set: `${idc!}-a`,
        idc: idc!,
        region: region!,
        layer: "data",
        agent: `http://n${i}`,
        engine: "embedded",
        capacity: capacities[i]!,
      })),
      links: [
        { between: ["r0", "r1"], bitsPerSecond: bandwidths[0]! },
        { between: ["r2", "r0"], bitsPerSecond: bandwidths[1]! },
      ],
      keyspaces: keyspaces.map((keyspace, k) => keyspaceOf(`k${k}`, keyspace)),
    };
  });

type Of<A> = A extends fc.Arbitrary<infer T> ? T : never;

function keyspaceOf(
  id: string,
  { class: kind, ack, load, shards }: Of<typeof anyKeyspace>,
): Keyspace {
  let lo = 0n;
  const made = shards.map(({ width, copies }, i): Shard => {
    const segment = { lo, hi: lo + BigInt(width) };
    lo = segment.hi;
    const [primary, ...replicas] = copies.map((n) => `n${n}`);
    return { id: `s${i}`, segments: [segment], primary: primary!, replicas };
  });
  const domain = { lo: 0n, hi: lo };
  return {
    id,
    class: kind,
    sync: "global",
    ack,
    sharding: "range",
    domain,
    load,
    shards: made,
  };
}

function empty(policy: Policy): Topology {
  return {
    name: "service",
    regions: [],
    idcs: [],
    sets: [],
    nodes: [],
    keyspaces: [],
    demand: null,
    links: [],
    policy,
  };
}

/** The sets of idcs that must be done without: written down anew, to compare with. */
export function lostIdcs({ regions, idcs, policy }: Topology): string[][] {
  const size = Math.min(policy.regionsLost, regions.length);
  const within = (names: readonly string[]) =>
    idcs.flatMap(({ id, region }) => (names.includes(region) ? [id] : []));
  const lost: string[][] = [];
  for (let bits = 1; bits < 2 ** regions.length; bits += 1) {
    const names = regions.flatMap(({ id }, i) => ((bits >> i) & 1 ? [id] : []));
    if (names.length === size) lost.push(within(names));
  }
  for (const { id, region } of idcs) if (within([region]).length > 1) lost.push([id]);
  return lost;
}
