import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { NodeStatus } from "../../src/lib/agent/protocol/node.js";
import { syncText } from "../../src/lib/report/run-sync.js";
import { syncTraffic } from "../../src/lib/run/sync-traffic.js";
import type { AgentAnswer } from "../../src/lib/run/tables.js";
import { parseTopology } from "../../src/lib/topology/parse.js";

/** Of status 24 MB/s of 120k writes change 30k keys a window, a third of them at each primary: 2 MB/s from one region to another. */
const FILE = readFileSync("fixtures/topologies/sync-traffic/topology.yaml", "utf8");
const WIDE = FILE.replaceAll("Mbps", "Gbps");

function answer(node: string, counts: readonly [string, string, number, number][]): AgentAnswer {
  const sync = counts.map(([keyspace, region, sent, plain]) => ({
    keyspace,
    region,
    seconds: 60,
    sentBytes: sent * 60,
    plainBytes: plain * 60,
    sentBytesPerSecond: sent,
    plainBytesPerSecond: plain,
  }));
  return { node, url: "http://x", status: { sync } as unknown as NodeStatus, why: null };
}

test("what is sent between regions is held against what the rules count with, pair by pair", () => {
  const topology = parseTopology(WIDE, "t");
  const agents = [
    answer("e1", [
      ["profile", "west", 0.9e6, 0.9e6],
      ["status", "west", 1.9e6, 8e6],
      ["status", "north", 2.1e6, 8e6],
      ["status", "east", 9e6, 9e6],
      ["drafts", "west", 1, 1],
    ]),
  ];
  const traffic = syncTraffic(topology, agents);
  const of = (keyspace: string, from: string, to: string) =>
    traffic.find((one) => one.keyspace === keyspace && one.from === from && one.to === to);
  expect(traffic).toHaveLength(12);
  expect(of("status", "east", "west")).toMatchObject({
    sentBytesPerSecond: 1.9e6,
    plainBytesPerSecond: 8e6,
    isMore: false,
  });
  expect(of("status", "east", "west")!.expectedBytesPerSecond).toBeCloseTo(2e6, 0);
  expect(of("profile", "east", "west")!.expectedBytesPerSecond).toBeCloseTo(1e6, 0);
  expect(of("status", "east", "north")!.isMore).toBe(true);
  expect(of("status", "north", "east")).toMatchObject({ sentBytesPerSecond: 0, isMore: false });
  const text = syncText(traffic, { width: 80, verbose: false });
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  const flat = text.replaceAll(/\s+/g, " ");
  expect(flat).toContain(
    "status east -> north 2.0 MiB/s 73 % saved of 7.6 MiB/s expected 1.9 MiB/s: MORE THAN EXPECTED",
  );
  expect(text.match(/MORE THAN EXPECTED/g)).toHaveLength(1);
});

test("nothing is expected of a keyspace that says no load, and an agent that is silent has sent nothing", () => {
  const topology = parseTopology(WIDE.replace(/ +load: \{ writesPerSecond: 120k.*\n/, ""), "t");
  const silent: AgentAnswer = { node: "w1", url: "http://x", status: null, why: "timeout" };
  const traffic = syncTraffic(topology, [silent, answer("e1", [["status", "west", 5, 5]])]);
  expect(traffic.filter(({ keyspace }) => keyspace === "status")).toMatchObject([
    {
      from: "east",
      to: "west",
      sentBytesPerSecond: 5,
      expectedBytesPerSecond: null,
      isMore: false,
    },
  ]);
  expect(syncText(traffic, { width: 80, verbose: false })).toContain("says no load");
});
