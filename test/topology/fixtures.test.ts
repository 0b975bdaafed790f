import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkTopologyFile, loadTopology } from "../../src/lib/topology/load.js";
import { RULE_INFOS } from "../../src/lib/topology/rules/registry.js";
import { renderProblems } from "../../src/lib/topology/render-problems.js";

const ROOT = "fixtures/topologies";
const GOOD = [
  "qq-three-regions/topology.yaml",
  "two-shards/topology.yaml",
  "demo/topology.yaml",
  "demo/expanded.yaml",
];
const folders = readdirSync(ROOT);
const broken = folders.filter((folder) => !GOOD.some((file) => file.startsWith(`${folder}/`)));

describe("the topologies that come along", () => {
  test.each(GOOD)("%s has no problem, not even a warning", async (file) => {
    const { topology, problems } = await checkTopologyFile(join(ROOT, file));
    expect(renderProblems(problems)).toBe("");
    expect(topology).not.toBeNull();
  });

  test("the demo has at most seven data nodes, and its new shard gets nodes that were unused", async () => {
    const before = (await loadTopology(join(ROOT, "demo/topology.yaml"))).topology;
    const after = (await loadTopology(join(ROOT, "demo/expanded.yaml"))).topology;
    expect(after.nodes.length).toBeLessThanOrEqual(7);
    const used = before.keyspaces.flatMap(({ shards }) =>
      shards.flatMap(({ primary, replicas }) => [primary, ...replicas]),
    );
    const added = after.keyspaces[0]!.shards.find(({ id }) => id === "p2")!;
    for (const node of [added.primary, ...added.replicas]) expect(used).not.toContain(node);
    const old = before.keyspaces[0]!.shards[0]!;
    expect(added.segments).toEqual([
      { lo: (old.segments[0]!.lo + old.segments[0]!.hi) / 2n, hi: old.segments[0]!.hi },
    ]);
  });

  test("any two of the three regions hold everyone, with the headroom kept free", async () => {
    const { topology } = await loadTopology(join(ROOT, GOOD[0]!));
    const { headroom } = topology.policy;
    for (const lost of topology.regions) {
      const left = topology.sets.filter(({ region }) => region !== lost.id);
      const users = left.reduce((sum, { capacity }) => sum + capacity.onlineUsers, 0);
      expect(users * (1 - headroom)).toBeGreaterThanOrEqual(200e6);
    }
    for (const { shards } of topology.keyspaces) {
      for (const { primary, replicas } of shards) {
        const regions = [primary, ...replicas].map(
          (id) => topology.nodes.find((node) => node.id === id)!.region,
        );
        expect(new Set(regions).size).toBe(3);
      }
    }
  });
});

describe("every problem of a broken topology is told, with its place, source line, rule and hint", () => {
  test.each(broken)("%s", async (folder) => {
    const file = join(ROOT, folder, "topology.yaml");
    const { topology, problems } = await checkTopologyFile(file);
    expect(topology).toBeNull();
    for (const { rule } of problems) expect(RULE_INFOS.has(rule)).toBe(true);
    const named = problems.map((problem) => ({ ...problem, file: "topology.yaml" }));
    const expected = join("../..", ROOT, folder, "expected.txt");
    await expect(`${renderProblems(named)}\n`).toMatchFileSnapshot(expected);
  });
});
