import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";
import { expect, it } from "vitest";
import type { EntryStatus, NodeStatus } from "../../src/lib/agent/protocol/node.js";
import { driftText } from "../../src/lib/report/drift.js";
import type { Agents } from "../../src/lib/run/agents.js";
import { driftOf } from "../../src/lib/run/drift/compare.js";
import type { Difference, Seen } from "../../src/lib/run/drift/types.js";
import { type Answer, newestTables, observedIn } from "../../src/lib/run/observe.js";
import type { RouteTable } from "../../src/lib/routing/table.js";
import { parseTopology } from "../../src/lib/topology/parse.js";
import { topology as topologyText } from "../e2e/topologies.js";

const LINEAGE = "our-lineage";
const topology = parseTopology(topologyText(false, {}), "topology.yaml");
const NAMES = ["a1", "a2", "b1", "b2", "c1"] as const;
const url = (node: string) => topology.nodes.find(({ id }) => id === node)!.agent!;

type Held = Partial<EntryStatus> & Pick<EntryStatus, "lo" | "hi" | "role">;

function entry(held: Held): EntryStatus {
  const isFollower = held.role !== "primary";
  return {
    keyspace: "profile",
    phase: "idle",
    generation: 1n,
    cursor: { generation: 1n, index: 0n },
    untouched: false,
    readable: true,
    source: null,
    link: isFollower ? link() : null,
    handed: null,
    ...held,
  };
}

function link(more: Partial<NonNullable<EntryStatus["link"]>> = {}) {
  const throttle = { bytesPerSecond: null, reason: "none" } as const;
  const amounts = { rows: 0, bytes: 0, bytesPerSecond: 0, restarts: 0, since: 0 };
  const standing = {
    phase: "streaming",
    heldMs: 0,
    lagMs: 5,
    verified: true,
    error: null,
  } as const;
  return { id: "l", purpose: "replica" as const, throttle, ...amounts, ...standing, ...more };
}

const follows = (node: string) => ({ role: "follower" as const, source: { node, url: url(node) } });

/** As the file says. */
const AS_IT_SHOULD: Readonly<Record<string, readonly Held[]>> = {
  a1: [{ lo: 0n, hi: 3600n, role: "primary" }],
  b1: [
    { lo: 0n, hi: 3600n, ...follows("a1") },
    { lo: 3600n, hi: 4000n, ...follows("c1") },
  ],
  c1: [{ lo: 3600n, hi: 4000n, role: "primary" }],
};

const TABLE: RouteTable = {
  keyspace: "profile",
  sharding: "range",
  domain: { lo: 0n, hi: 4000n },
  version: 4,
  settings: DEFAULT_SETTINGS,
  nodes: Object.fromEntries(NAMES.map((node) => [node, { url: url(node), region: "r", set: "s" }])),
  segments: [
    { lo: 0n, hi: 3600n, shard: "p0", writer: "a1", generation: 1n, readers: readers("a1", "b1") },
    {
      lo: 3600n,
      hi: 4000n,
      shard: "p9",
      writer: "c1",
      generation: 1n,
      readers: readers("b1", "c1"),
    },
  ],
};

function readers(...nodes: string[]) {
  return nodes.map((node) => ({ node, weight: 100 }));
}

async function seen(
  held: Readonly<Record<string, readonly Held[]>>,
  { silent = [], lineages = {} }: { silent?: string[]; lineages?: Record<string, string> } = {},
): Promise<Seen> {
  const all = { ...AS_IT_SHOULD, ...held };
  const answers = NAMES.filter((node) => !silent.includes(node)).map((node): Answer => {
    const entries = (all[node] ?? []).map(entry);
    const lineage = lineages[node] ?? LINEAGE;
    const status = { node, url: url(node), lineage, entries } as unknown as NodeStatus;
    return { node, url: url(node), status, tables: [TABLE] };
  });
  const unreachable = silent.map((node) => ({ node, why: "refused", url: url(node) }));
  return {
    topology,
    file: "topology.yaml",
    answers,
    strangers: [],
    silent: unreachable,
    // Without sizes nobody is asked.
    observed: await observedIn({ answers, unreachable }, {} as Agents, 0),
    tables: newestTables([TABLE]),
    state: { where: ".ops", lineage: LINEAGE, tables: [TABLE], runs: [], damaged: [] },
  };
}

const told = ({ about, nodes, live }: Difference) => [about, nodes.join(), live];

it("finds nothing where all is as it should be, whichever node is silent", async () => {
  expect(driftOf(await seen({}))).toEqual({ differences: [], unknown: [], notes: [] });
  for (const node of NAMES) {
    const { differences, unknown } = driftOf(await seen({}, { silent: [node] }));
    expect(differences).toEqual([]);
    expect(unknown.map((one) => one.node)).toEqual([node]);
  }
});

it("does not take for unknown what those who answer know: another primary, a copy too many", async () => {
  const other = await seen({ a2: [{ lo: 0n, hi: 3600n, role: "primary" }] }, { silent: ["a1"] });
  expect(driftOf(other).differences.map(told)).toContainEqual([
    "holders",
    "",
    "shard p0 on a2 with b1",
  ]);
  const many = await seen({ b2: [{ lo: 0n, hi: 3600n, ...follows("a1") }] }, { silent: ["c1"] });
  expect(driftOf(many).differences.map(told)).toEqual([
    ["holders", "", "shard p0 on a1 with b1, b2"],
    ["routes", "", "writer a1, generation 1, readers a1 100, b1 100"],
  ]);
});

it("names two primaries, and a takeover that has not ended, each where it is", async () => {
  const { differences } = driftOf(
    await seen({
      a2: [{ lo: 0n, hi: 100n, role: "primary", generation: 2n }],
      b2: [{ lo: 200n, hi: 300n, role: "claiming", source: { node: "a1", url: url("a1") } }],
    }),
  );
  const holders = differences.filter(({ about }) => about === "holders");
  expect(holders.map(({ segments, live }) => [segments, live])).toEqual([
    [
      [{ lo: 0n, hi: 100n }],
      "a1 (generation 1) and a2 (generation 2) both say that they are primary",
    ],
    [[{ lo: 200n, hi: 300n }], "a takeover by b2 has not ended"],
  ]);
});

it("tells what is wrong with copies, together where it is the same", async () => {
  const b1 = (first: Partial<Held>, second: Partial<Held> = {}): readonly Held[] => [
    { ...AS_IT_SHOULD["b1"]![0]!, ...first },
    { ...AS_IT_SHOULD["b1"]![1]!, ...second },
  ];
  const find = async (held: readonly Held[]) => {
    const { differences, notes } = driftOf(await seen({ b1: held }));
    return [...differences.map(told), ...notes];
  };
  const error = "connection refused";
  expect(await find(b1({ link: link({ phase: "disconnected", error }) }))).toEqual([
    ["copy", "b1", "disconnected from a1: connection refused"],
  ]);
  expect(await find(b1({ link: link({ lagMs: 20_000 }) }))).toEqual([
    ["copy", "b1", "follows a1, and lags more than 10s"],
  ]);
  expect(await find(b1({ link: link({ verified: false }) }))).toEqual([
    ["copy", "b1", "follows a1, and was not compared with it"],
  ]);
  const copying = { readable: false, link: link({ phase: "copying" }) };
  expect(await find(b1(copying))).toEqual([
    ["routes", "", "writer a1, generation 1, readers a1 100, b1 100"],
    ["copy", "b1", "copying from a1"],
  ]);
  expect(await find(b1({}, { source: { node: "a1", url: url("a1") } }))).toEqual([
    "profile: b1 follows a1, not the primary c1, in 1 segment",
  ]);
});

it("names whom agents obey instead, and fits 80 columns", async () => {
  const lineage = "0123456789abcdef0123456789abcdef";
  const drift = driftOf(await seen({}, { lineages: { a2: lineage, b2: lineage } }));
  expect(drift.differences.map(told)).toEqual([["control-plane", "a2,b2", lineage]]);
  const text = driftText(drift, NAMES.length, { width: 80, verbose: false });
  expect(text.split("\n")).toEqual([
    "1 difference",
    "cluster",
    "  control-plane on a2, b2",
    "    wanted  our-lineage, of .ops",
    `    live    ${lineage}`,
    "    mend    ops agent adopt -t topology.yaml",
    "      or    name the state directory of that one: --state DIR",
  ]);
});
