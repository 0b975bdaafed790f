import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderTopologyCheck } from "../../src/lib/report/topology-check.js";
import { checkTopologyFile, loadTopology } from "../../src/lib/topology/load.js";
import { FITNESS_RULES, RULE_INFOS } from "../../src/lib/topology/rules/registry.js";
import { checkTopology } from "../../src/lib/topology/parse.js";
import { renderProblems } from "../../src/lib/topology/render-problems.js";

const ROOT = "fixtures/topologies";
const GOOD = [
  "qq-three-regions/topology.yaml",
  "two-shards/topology.yaml",
  "demo/topology.yaml",
  "demo/expanded.yaml",
  "evacuation/topology.yaml",
  "demo-users/topology.yaml",
];
const folders = readdirSync(ROOT);
const faulty = folders.filter((folder) => !GOOD.some((file) => file.startsWith(`${folder}/`)));
const fitness = FITNESS_RULES.map(({ id }) => id);

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

  test("any two of the three regions hold everyone, and no more would fit", async () => {
    const file = join(ROOT, GOOD[0]!);
    const { topology, text } = await loadTopology(file);
    const { headroom } = topology.policy;
    for (const lost of topology.regions) {
      const left = topology.sets.filter(({ region }) => region !== lost.id);
      const users = left.reduce((sum, { capacity }) => sum + capacity.onlineUsers, 0);
      expect(users * (1 - headroom)).toBeGreaterThanOrEqual(topology.demand!.onlineUsers);
    }
    for (const { shards } of topology.keyspaces) {
      for (const { primary, replicas } of shards) {
        const regions = [primary, ...replicas].map(
          (id) => topology.nodes.find((node) => node.id === id)!.region,
        );
        expect(new Set(regions).size).toBe(3);
      }
    }
    const more = checkTopology(text.replace("onlineUsers: 200M", "onlineUsers: 241M"), file);
    const short = more.problems.filter(({ rule }) => rule === "set-capacity");
    expect(short.map(({ path }) => path)).toEqual(
      topology.regions.map(({ id }) => `regions.${id}`),
    );
  });
});

describe("every problem of a faulty topology is told, with its place, source line, rule and hint", () => {
  test.each(faulty)("%s", async (folder) => {
    const file = join(ROOT, folder, "topology.yaml");
    const { topology, problems } = await checkTopologyFile(file);
    expect(problems).not.toEqual([]);
    for (const { rule } of problems) expect(RULE_INFOS.has(rule)).toBe(true);
    const broken = problems.filter(
      ({ rule, severity }) => severity === "error" && !fitness.includes(rule),
    );
    expect(topology === null).toBe(broken.length > 0);
    const named = problems.map((problem) => ({ ...problem, file: "topology.yaml" }));
    const expected = join("../..", ROOT, folder, "expected.txt");
    const text = renderTopologyCheck("topology.yaml", topology, named);
    await expect(`${text}\n`).toMatchFileSnapshot(expected);
  });
});

test.each(fitness)("the fixture %s has problems of that rule and of no other", async (rule) => {
  const { problems } = await checkTopologyFile(join(ROOT, rule, "topology.yaml"));
  expect(new Set(problems.map((problem) => problem.rule))).toEqual(new Set([rule]));
});
