import { expect, test } from "vitest";
import { renderTopologyMap } from "../../src/lib/report/topology-map.js";
import { loadTopology } from "../../src/lib/topology/load.js";
import { parseTopology } from "../../src/lib/topology/parse.js";
import { EXAMPLE } from "./example.js";

test.each(["qq-three-regions", "demo", "two-shards"])(
  "the map of %s fits into 80 columns",
  async (folder) => {
    const { topology } = await loadTopology(`fixtures/topologies/${folder}/topology.yaml`);
    const map = renderTopologyMap(topology);
    for (const line of map.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    await expect(`${map}\n`).toMatchFileSnapshot(`../../fixtures/topologies/${folder}/map.txt`);
  },
);

test("every cell of a bar is as dark as the part of it that the shard owns", () => {
  const bars = (text: string) => renderTopologyMap(parseTopology(text, "t")).match(/[·░▒▓█]{32}/g);
  expect(bars(EXAMPLE)).toEqual(["█".repeat(16) + "·".repeat(16), "·".repeat(16) + "█".repeat(16)]);
  const tiny = EXAMPLE.replace("0..1000", "0..2")
    .replace("0..500", "0..1")
    .replace("500..1000", "1..2");
  expect(bars(tiny)).toEqual(bars(EXAMPLE));
  const uneven = EXAMPLE.replace("0..1000", "0..3200")
    .replace("0..500", "0..50")
    .replace("500..1000", "50..3200");
  expect(bars(uneven)).toEqual([`▒${"·".repeat(31)}`, `▒${"█".repeat(31)}`]);
});

test("dispatchers are told apart from gateways", () => {
  const capacity = "capacity: { memory: 8GiB, ops: 50k, network: 1Gbps }";
  const nodes = `g1: { ${capacity} }, d1: { role: dispatch, ${capacity} }`;
  const text = EXAMPLE.replace("data:", `access: { nodes: { ${nodes} } }\n            data:`);
  expect(renderTopologyMap(parseTopology(text, "t"))).toContain(
    "\n      access 2 nodes (1 dispatch)\n",
  );
});

test("a topology without data nodes or keyspaces has a map too", () => {
  const text = `version: 1\nname: bare\nregions: { r: { idcs: {} } }\nkeyspaces: {}\n`;
  expect(renderTopologyMap(parseTopology(text, "t"))).toMatch(/^bare\n\nr {2}0 users online/);
});
