import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { excesses } from "../../../src/lib/topology/capacity/excess.js";
import { lossesOf } from "../../../src/lib/topology/capacity/losses.js";
import { nodeLimits, nodeLoads } from "../../../src/lib/topology/capacity/node-load.js";
import { linkLoads } from "../../../src/lib/topology/capacity/link-load.js";
import { dataCapacity } from "../../../src/lib/topology/rules/data-capacity.js";
import { syncTraffic } from "../../../src/lib/topology/rules/sync-traffic.js";
import type { Finding } from "../../../src/lib/topology/problem.js";
import type { Topology } from "../../../src/lib/topology/types.js";
import { anyData, lostIdcs } from "./service.js";

interface Carried {
  /** Node -> bytes, ops/s, bits/s in and out. */
  readonly nodes: Record<string, [number, number, number, number]>;
  /** `r0 -> r1` -> bits/s. */
  readonly lines: Record<string, number>;
}

/** What everything carries when idcs are lost: added up from nothing, as docs/topology.md says it. */
function carried(topology: Topology, lost: readonly string[]): Carried {
  const { nodes, lines }: Carried = { nodes: {}, lines: {} };
  const regionOf = (id: string) => topology.nodes.find((node) => node.id === id)!.region;
  for (const { ack, class: kind, domain, load, shards } of topology.keyspaces) {
    for (const { segments, primary, replicas } of shards) {
      const part = Number(segments[0]!.hi - segments[0]!.lo) / Number(domain.hi - domain.lo);
      const left = [primary, ...replicas].filter(
        (id) => !lost.includes(topology.nodes.find((node) => node.id === id)!.idc),
      );
      for (const [i, id] of left.entries()) {
        const sums = (nodes[id] ??= [0, 0, 0, 0]);
        sums[0] += load!.bytes * part;
        sums[1] += (load!.readsPerSecond / left.length + load!.writesPerSecond) * part;
        sums[3] += (8 * load!.readBytesPerSecond * part) / left.length;
        const writer = left[0]!;
        const [from, to] = [regionOf(writer), regionOf(id)];
        const windowWrites = load!.writesPerSecond * (topology.policy.syncWindowMs / 1000);
        let bits = 8 * load!.changeBytesPerSecond * part;
        const merges =
          kind === "status" && ack === "local" && from !== to && load!.changedKeys !== null;
        if (merges && windowWrites > load!.changedKeys!) bits *= load!.changedKeys! / windowWrites;
        sums[2] += bits;
        if (i === 0) continue;
        nodes[writer]![3] += bits;
        if (from !== to) lines[`${from} -> ${to}`] = (lines[`${from} -> ${to}`] ?? 0) + bits;
      }
    }
  }
  return { nodes, lines };
}

const over = (needed: number, there: number) => needed > there * (1 + 1e-9);

/** The first words of the messages: which node or direction, with or without a loss. */
const told = (findings: Iterable<Finding>) =>
  [...findings].map(({ message }) => message.replace(/^node /, "").split(",")[0]!);

describe("what the rules find is what adding everything up after each loss finds", () => {
  test("on data nodes", () => {
    let found = 0;
    fc.assert(
      fc.property(anyData, (topology) => {
        const scenarios = [[], ...lostIdcs(topology)].map((lost) => carried(topology, lost));
        const short = topology.nodes.filter(({ id, capacity }) => {
          const { memoryBytes, opsPerSecond, networkBitsPerSecond } = capacity;
          const limits = [memoryBytes, opsPerSecond, networkBitsPerSecond, networkBitsPerSecond];
          return scenarios.some(({ nodes }) =>
            limits.some((limit, i) => over(nodes[id]?.[i] ?? 0, limit)),
          );
        });
        const nodes = new Set(told(dataCapacity.check(topology)));
        expect(nodes).toEqual(new Set(short.map(({ id }) => id)));
        found += nodes.size;
      }),
      { numRuns: 1000 },
    );
    expect(found).toBeGreaterThan(500);
  });

  test("on lines between regions", () => {
    let found = 0;
    fc.assert(
      fc.property(anyData, (topology) => {
        const scenarios = [[], ...lostIdcs(topology)].map((lost) => carried(topology, lost));
        const directions = topology.links.flatMap(({ between: [a, b], bitsPerSecond }) =>
          [`${a} -> ${b}`, `${b} -> ${a}`].filter((way) =>
            scenarios.some(({ lines }) => over(lines[way] ?? 0, bitsPerSecond)),
          ),
        );
        const ways = new Set(told(syncTraffic.check(topology)));
        expect(ways).toEqual(new Set(directions));
        found += ways.size;
      }),
      { numRuns: 1000 },
    );
    expect(found).toBeGreaterThan(200);
  });

  test("and told is what is over now, or else the worst loss", () => {
    fc.assert(
      fc.property(anyData, (topology) => {
        const [now, ...after] = [[], ...lostIdcs(topology)].map((lost) => carried(topology, lost));
        const found = excesses(nodeLoads(topology, lossesOf(topology)), nodeLimits);
        for (const { key, index, loss, needed, there } of found) {
          const normal = now!.nodes[key.id]![index]!;
          expect(loss === null).toBe(over(normal, there));
          const worst = Math.max(...after.map(({ nodes }) => nodes[key.id]?.[index] ?? 0));
          expect(needed).toBeCloseTo(loss === null ? normal : worst);
        }
      }),
    );
  });

  test("with nothing lost, to the last digit", () => {
    fc.assert(
      fc.property(anyData, (topology) => {
        const { nodes, lines } = carried(topology, []);
        const [nodeSums] = [...nodeLoads(topology, [])];
        for (const [{ id }, amounts] of nodeSums!.sums) {
          for (const [i, amount] of amounts.entries()) expect(amount).toBeCloseTo(nodes[id]![i]!);
        }
        const [lineSums] = [...linkLoads(topology, [])];
        for (const [way, [bits]] of lineSums!.sums) expect(bits).toBeCloseTo(lines[way]!);
        expect(nodeSums!.sums.size).toBe(Object.keys(nodes).length);
        expect(lineSums!.sums.size).toBe(Object.keys(lines).length);
      }),
    );
  });
});
