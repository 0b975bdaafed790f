import { describe, expect, test } from "vitest";
import { renderTopologyDiff } from "../../src/lib/report/topology-diff.js";
import { diffTopologies } from "../../src/lib/topology/diff.js";
import { loadTopology } from "../../src/lib/topology/load.js";
import { parseTopology } from "../../src/lib/topology/parse.js";
import { EXAMPLE, example } from "./example.js";

const parse = (text: string) => parseTopology(text, "t");
const diff = (before: string, after: string) => diffTopologies(parse(before), parse(after));

describe("the difference of two topologies", () => {
  test("is nothing for the same one", () => {
    expect(diff(EXAMPLE, EXAMPLE)).toEqual([]);
    expect(renderTopologyDiff([], parse(EXAMPLE))).toBe("no differences");
  });

  test("does not care for order, comments and ways to write a number", () => {
    const lines = EXAMPLE.trimEnd().split("\n");
    const [a = "", b = ""] = lines.splice(-2);
    const other = [...lines, b, `${a} # moved`, ""].join("\n").replace("ops: 50k", "ops: 50000");
    expect(other).not.toBe(EXAMPLE);
    expect(diff(EXAMPLE, other)).toEqual([]);
  });

  test("names segments that change their shard", () => {
    const after = example("[0..500]", "[0..400]").replace("[500..1000]", "[400..1000]");
    expect(diff(EXAMPLE, after)).toEqual([
      {
        kind: "segment-moved",
        keyspace: "profile",
        segment: { lo: 400n, hi: 500n },
        before: "a",
        after: "b",
      },
    ]);
  });

  test("tells a failover from a new replica", () => {
    expect(
      diff(EXAMPLE, example("primary: e1, replicas: [w1]", "primary: w1, replicas: [e1]")),
    ).toEqual([
      { kind: "primary-changed", keyspace: "profile", shard: "a", before: "e1", after: "w1" },
      { kind: "replica-added", keyspace: "profile", shard: "a", node: "e1" },
      { kind: "replica-removed", keyspace: "profile", shard: "a", node: "w1" },
    ]);
  });

  test("names nodes, sets and policies with the fields that changed", () => {
    const after = `${example("7401", "9401").replace("onlineUsers: 1M", "onlineUsers: 2M")}policy: { soak: 1h, promotion: { reads: [5%, 100%] } }\n`;
    expect(diff(EXAMPLE, after)).toEqual([
      {
        kind: "changed",
        what: "set",
        id: "east-1-a",
        fields: [{ field: "capacity.onlineUsers", before: 1e6, after: 2e6 }],
      },
      {
        kind: "changed",
        what: "node",
        id: "e1",
        fields: [
          { field: "agent", before: "http://127.0.0.1:7401", after: "http://127.0.0.1:9401" },
        ],
      },
      {
        kind: "changed",
        what: "policy",
        id: "policy",
        fields: [
          { field: "promotion.reads", before: [1, 10, 50, 100], after: [5, 100] },
          { field: "soakSeconds", before: 600, after: 3600 },
        ],
      },
    ]);
    expect(renderTopologyDiff(diff(EXAMPLE, after), parse(after))).toBe(
      [
        "sets",
        "  ~ east-1-a  capacity.onlineUsers: 1M -> 2M",
        "",
        "nodes",
        "  ~ e1  agent: http://127.0.0.1:7401 -> http://127.0.0.1:9401",
        "",
        "policy",
        "  ~ promotion.reads: [1%, 10%, 50%, 100%] -> [5%, 100%]",
        "  ~ soak: 10m -> 1h",
      ].join("\n"),
    );
  });

  test("names what the service must carry, with units, and nothing that is not said", () => {
    const load = "load: { bytes: 4GB, readTraffic: 3MB/s }\n    shards:\n      a: { share: 40%,";
    const after = `${example("shards:\n      a: {", load)}demand:
  onlineUsers: 2M
  carriers: { telecom: 45%, aMs: 41% }
  perUser: { logic: { memory: 2kB, ops: 0.01, network: 200bps } }
links: [{ between: [west, east], bandwidth: 1Gbps }]
`;
    const lines = [
      "profile",
      "  ~ load.bytes: none -> 4GB",
      "  ~ load.readTraffic: none -> 3MB/s",
      "  ~ shard a  share: none -> 40%",
      "",
      "demand",
      "  ~ carriers.telecom: none -> 45%",
      "  ~ carriers.aMs: none -> 41%",
      "  ~ perUser.logic.memory: none -> 2kB",
      "  ~ perUser.logic.ops: none -> 0.01",
      "  ~ perUser.logic.network: none -> 200bps",
      "  ~ onlineUsers: none -> 2M",
      "",
      "links",
      "  + east - west",
    ];
    expect(renderTopologyDiff(diff(EXAMPLE, after), parse(after))).toBe(lines.join("\n"));
    const wider = after.replace("1Gbps }]", "2Gbps }]").replace("45%", "50%");
    expect(renderTopologyDiff(diff(after, wider), parse(wider))).toBe(
      "demand\n  ~ carriers.telecom: 45% -> 50%\n\nlinks\n  ~ east - west  bandwidth: 1Gbps -> 2Gbps",
    );
  });

  test("turned round swaps before and after", () => {
    const after = example("[0..500]", "[0..400]").replace("[500..1000]", "[400..1000]");
    expect(diff(after, EXAMPLE)).toEqual([
      {
        kind: "segment-moved",
        keyspace: "profile",
        segment: { lo: 400n, hi: 500n },
        before: "b",
        after: "a",
      },
    ]);
  });

  test("sums up a ring, of which a new shard takes only its share", async () => {
    const { topology } = await loadTopology("fixtures/topologies/qq-three-regions/topology.yaml");
    const { text } = await loadTopology("fixtures/topologies/qq-three-regions/topology.yaml");
    const larger = parse(text.replace(/( +)s8: (.*)\n/, "$1s8: $2\n$1s9: $2\n"));
    const changes = diffTopologies(topology, larger);
    const moved = changes.filter(({ kind }) => kind === "segment-moved");
    expect(moved.every((change) => "after" in change && change.after === "s9")).toBe(true);
    expect(renderTopologyDiff(changes, larger)).toMatch(
      /^status\n {2}\+ shard s9 [^]*\n {4}(8|9|10|11|12)(\.\d)?% of status changes its shard$/,
    );
  });
});

test("the diff of the demo is what is announced", async () => {
  const before = await loadTopology("fixtures/topologies/demo/topology.yaml");
  const after = await loadTopology("fixtures/topologies/demo/expanded.yaml");
  const text = renderTopologyDiff(diffTopologies(before.topology, after.topology), after.topology);
  await expect(`${text}\n`).toMatchFileSnapshot("../../fixtures/topologies/demo/diff.txt");
});
