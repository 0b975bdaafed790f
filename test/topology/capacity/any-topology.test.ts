import fc from "fast-check";
import { expect, test } from "vitest";
import { renderTopologyCheck } from "../../../src/lib/report/topology-check.js";
import { checkTopology } from "../../../src/lib/topology/parse.js";
import { FITNESS_RULES } from "../../../src/lib/topology/rules/registry.js";
import type { Path } from "../../../src/lib/topology/problem.js";

const CARRIERS = ["telecom", "unicom", "mobile", "carrier-of-nobody"];

const amount = fc.constantFrom("0", "1", "7", "40M", "1T");
const traffic = fc.constantFrom("0B/s", "1B/s", "90MB/s", "1GB/s");
const capacity = fc.record({
  memory: fc.constantFrom("1B", "8GiB", "1PiB"),
  ops: fc.constantFrom("1", "50k", "1T"),
  network: fc.constantFrom("1bps", "10Gbps", "1000Tbps"),
});
const cost = fc.record(
  {
    memory: fc.constantFrom("0B", "2kB", "1PiB"),
    ops: fc.constantFrom("0", "0.01", "999999999"),
    network: fc.constantFrom("0bps", "200bps", "1000Tbps"),
  },
  { requiredKeys: [] },
);
const load = fc.record(
  {
    bytes: fc.constantFrom("0B", "4GB", "1PiB"),
    readsPerSecond: amount,
    writesPerSecond: amount,
    readTraffic: traffic,
    changeTraffic: traffic,
    changedKeys: amount,
  },
  { requiredKeys: [] },
);
const demand = fc.record(
  {
    onlineUsers: fc.constantFrom("1", "90M", "1T"),
    loginsPerSecond: amount,
    carriers: fc.dictionary(
      fc.constantFrom(...CARRIERS),
      fc.constantFrom("0%", "20%", "0.000001%", "0", "1"),
    ),
    provinces: fc.dictionary(
      fc.constantFrom("beijing", "hebei"),
      fc.constantFrom("0%", "50%", "0"),
    ),
    perUser: fc.record({ access: cost, logic: cost, data: cost }, { requiredKeys: [] }),
  },
  { requiredKeys: ["onlineUsers"] },
);
const idc = fc.record({
  carriers: fc.oneof(
    fc.subarray(CARRIERS.slice(0, 3), { minLength: 1 }),
    fc.dictionary(fc.constantFrom(...CARRIERS), fc.oneof(amount, fc.constant({})), { minKeys: 1 }),
  ),
  sets: fc.array(
    fc.record({
      capacity: fc.record({ onlineUsers: amount, loginsPerSecond: amount }),
      access: fc.array(capacity, { maxLength: 2 }),
      logic: fc.array(capacity, { maxLength: 1 }),
      data: fc.array(capacity, { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 2 },
  ),
});
const keyspace = fc.record({
  class: fc.constantFrom("status", "relationship"),
  sharding: fc.constantFrom("range", "consistent-hash"),
  load: fc.option(load, { nil: undefined, freq: 5 }),
  shards: fc.array(
    fc.record({
      copies: fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 3 }),
      share: fc.option(fc.constantFrom("0%", "20%", "33%"), { nil: undefined, freq: 2 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});
const policy = fc.record({
  regionsLost: fc.nat({ max: 5 }),
  headroom: fc.constantFrom("0%", "10%", "100%"),
  skew: fc.constantFrom("1", "1.5", "100"),
  syncWindow: fc.constantFrom("0s", "1ms", "1m"),
  spread: fc.constant("node"),
});

/** Documents in the shape of the YAML. Most are valid topologies, whatever sense they make. */
const anyDocument = fc
  .record({
    regions: fc.array(fc.array(idc, { maxLength: 3 }), { minLength: 1, maxLength: 4 }),
    keyspaces: fc.array(keyspace, { maxLength: 2 }),
    demand: fc.option(demand, { nil: undefined }),
    bandwidth: fc.option(fc.constantFrom("1bps", "40Gbps"), { nil: undefined, freq: 5 }),
    policy,
  })
  .map((parts) => {
    const named = <T, U>(list: readonly T[], name: string, make: (one: T, id: string) => U) =>
      Object.fromEntries(list.map((one, i) => [`${name}${i}`, make(one, `${name}${i}`)]));
    const data: string[] = [];
    const regions = named(parts.regions, "r", (idcs, r) => ({
      idcs: named(idcs, `${r}i`, ({ carriers, sets }, i) => ({
        carriers,
        sets: named(sets, `${i}s`, (set, s) => ({
          capacity: set.capacity,
          access: { nodes: named(set.access, `${s}a`, (one) => ({ capacity: one })) },
          logic: { nodes: named(set.logic, `${s}l`, (one) => ({ capacity: one })) },
          data: {
            nodes: named(set.data, `${s}d`, (one, id) => {
              data.push(id);
              return { agent: `http://${id}:1`, engine: "embedded", capacity: one };
            }),
          },
        })),
      })),
    }));
    const keyspaces = named(data.length > 0 ? parts.keyspaces : [], "k", (one) => ({
      class: one.class,
      sync: "global",
      sharding: one.sharding,
      ...(one.sharding === "range" ? { domain: `0..${one.shards.length}` } : { virtualNodes: 3 }),
      load: one.load,
      shards: Object.fromEntries(
        one.shards.map(({ copies, share }, i) => {
          const [primary, ...replicas] = new Set(copies.map((n) => data[n % data.length]!));
          const segments = one.sharding === "range" ? [`${i}..${i + 1}`] : undefined;
          return [`s${i}`, { segments, primary, replicas, share }];
        }),
      ),
    }));
    const ends = Object.keys(regions);
    const links =
      parts.bandwidth && ends.length > 1
        ? [{ between: ends.slice(0, 2), bandwidth: parts.bandwidth }]
        : undefined;
    return {
      version: 1,
      name: "any",
      regions,
      keyspaces,
      demand: parts.demand,
      links,
      policy: parts.policy,
    };
  });

function isThere(document: unknown, path: Path): boolean {
  let value = document;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !(step in value)) return false;
    value = (value as Record<string | number, unknown>)[step];
  }
  return true;
}

test("the rules answer whatever the topology, in messages of bounded length, at places that are there", () => {
  let valid = 0;
  const found = new Set<string>();
  fc.assert(
    fc.property(anyDocument, (given) => {
      const text = JSON.stringify(given);
      const document: unknown = JSON.parse(text);
      const { topology, problems } = checkTopology(text, "any.yaml");
      expect(renderTopologyCheck("any.yaml", topology, problems)).not.toBe("");
      const bad = problems.filter(
        ({ message, hint }) =>
          /NaN|undefined|Infinity|null/.test(message) || message.length > 700 || hint === "",
      );
      expect(bad).toEqual([]);
      if (!topology) return;
      valid += 1;
      for (const rule of FITNESS_RULES) {
        const findings = [...rule.check(topology)];
        expect(findings.filter(({ path }) => !isThere(document, path))).toEqual([]);
        if (findings.length > 0) found.add(rule.id);
      }
    }),
    { numRuns: 500 },
  );
  expect(valid).toBeGreaterThan(150);
  expect(found).toEqual(new Set(FITNESS_RULES.map(({ id }) => id)));
});
