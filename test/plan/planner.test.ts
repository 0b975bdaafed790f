import { expect, test } from "vitest";
import {
  observedFromTopology,
  type Observed,
  type ObservedEntry,
} from "../../src/lib/plan/observed.js";
import type { Topology } from "../../src/lib/topology/types.js";
import {
  NODES,
  planFor,
  POLICY,
  rangeKeyspace,
  ranges,
  ringKeyspace,
  shard,
  stepsOf,
  topologyOf,
} from "./cluster.js";

const WHOLE = rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sh-1-d1", "sz-1-d1", "tj-1-d1")]);
const SPLIT = rangeKeyspace("profile", [
  shard("p0", 0n, 500n, "sh-1-d1", "sz-1-d1", "tj-1-d1"),
  shard("p1", 500n, 1000n, "sh-2-d1", "sz-2-d1", "tj-1-d1"),
]);

/** The state of WHOLE with its entries changed. */
function live(
  change: (entry: ObservedEntry) => ObservedEntry | ObservedEntry[],
  more: Partial<Observed> = {},
): Observed {
  const observed = observedFromTopology(topologyOf([WHOLE]));
  const keyspaces = observed.keyspaces.map((keyspace) => ({
    ...keyspace,
    entries: keyspace.entries.flatMap(change),
  }));
  return { ...observed, keyspaces, ...more };
}

const asIs = live((entry) => entry);

test("each new copy comes from the nearest old one: same set, same region, else the primary", () => {
  const target = rangeKeyspace("profile", [
    shard("p1", 0n, 1000n, "sh-1-d2", "sz-2-d1", "tj-2-d2"),
  ]);
  const noTianjin = live((entry) => (entry.node.startsWith("tj") ? [] : entry));
  const links = stepsOf(planFor(topologyOf([target]), noTianjin), "link");
  expect(links.map(({ node, source }) => `${node} from ${source}`).toSorted()).toEqual([
    "sh-1-d2 from sh-1-d1",
    "sz-2-d1 from sz-1-d1",
    "tj-2-d2 from sh-1-d1",
  ]);
});

test("a near copy that is not whole is no source", () => {
  const copying = live((entry) =>
    entry.node === "sz-1-d1" ? { ...entry, streaming: false } : entry,
  );
  const link = stepsOf(planFor(topologyOf([SPLIT]), copying), "link").find(
    ({ node }) => node === "sz-2-d1",
  );
  expect(link?.source).toBe("sh-1-d1");
});

test("a new primary that copied from a replica follows the old primary before it takes over", () => {
  const target = rangeKeyspace("profile", [
    shard("p1", 0n, 1000n, "sz-2-d1", "sh-1-d1", "tj-1-d1"),
  ]);
  const made = planFor(topologyOf([target]), asIs);
  expect(
    stepsOf(made, "link").map(({ node, source, purpose }) => ({ node, source, purpose })),
  ).toEqual([{ node: "sz-2-d1", source: "sz-1-d1", purpose: "move" }]);
  const sync = made.stages.find((stage) => stage.kind === "sync");
  expect(sync?.waves[0]).toMatchObject([{ kind: "repoint", node: "sz-2-d1", source: "sh-1-d1" }]);
});

test("nodes that hold a segment before and after keep their copy, and follow the new primary", () => {
  const made = planFor(topologyOf([SPLIT]), asIs);
  expect(stepsOf(made, "link").map(({ node }) => node)).not.toContain("tj-1-d1");
  expect(stepsOf(made, "drop").map(({ node }) => node)).toEqual(["sh-1-d1", "sz-1-d1"]);
  expect(stepsOf(made, "repoint")).toContainEqual(
    expect.objectContaining({
      node: "tj-1-d1",
      source: "sh-2-d1",
      segments: [{ lo: 500n, hi: 1000n }],
    }),
  );
});

test("reads move by the percentages of the policy, and every new copy is watched in between", () => {
  const made = planFor(topologyOf([SPLIT]), asIs);
  const reads = made.stages.filter((stage) => stage.kind === "promote-reads");
  expect(reads.map((stage) => stage.id)).toEqual([
    "5-promote-reads-1",
    "6-promote-reads-10",
    "7-promote-reads-50",
    "8-promote-reads-100",
  ]);
  expect(reads[1]?.waves[0]).toMatchObject([
    {
      kind: "readers",
      before: [
        { node: "sh-1-d1", weight: 99 },
        { node: "sh-2-d1", weight: 1 },
        { node: "sz-1-d1", weight: 99 },
        { node: "sz-2-d1", weight: 1 },
        { node: "tj-1-d1", weight: 100 },
      ],
      after: [
        { node: "sh-1-d1", weight: 90 },
        { node: "sh-2-d1", weight: 10 },
        { node: "sz-1-d1", weight: 90 },
        { node: "sz-2-d1", weight: 10 },
        { node: "tj-1-d1", weight: 100 },
      ],
    },
  ]);
  expect(reads[1]?.waves[1]).toMatchObject([
    { kind: "gate", node: "sh-2-d1", source: "sh-1-d1" },
    { kind: "gate", node: "sz-2-d1", source: "sz-1-d1" },
  ]);
});

test("writes move one slice at a time: the canaries of all moves, then the slices with the fewest rows", () => {
  const target = rangeKeyspace("profile", [
    shard("p0", 0n, 200n, "sh-1-d1", "sz-1-d1", "tj-1-d1"),
    shard("p1", 200n, 600n, "sh-2-d1", "sz-1-d1", "tj-1-d1"),
    shard("p2", 600n, 1000n, "sz-2-d1", "sz-1-d1", "tj-1-d1"),
  ]);
  const observed = live((entry) => entry);
  const histogram = [
    { lo: 200n, hi: 600n, rows: 9000n, bytes: 0n },
    { lo: 600n, hi: 1000n, rows: 10n, bytes: 0n },
  ];
  const crowded = {
    ...observed,
    keyspaces: observed.keyspaces.map((keyspace) => ({ ...keyspace, histogram })),
  };
  const made = planFor(topologyOf([target]), crowded);
  const writes = made.stages.find((stage) => stage.kind === "promote-writes");
  const takeovers = stepsOf(made, "takeover").map(
    ({ segments, node }) => `${ranges(segments)} ${node}`,
  );
  expect(takeovers).toEqual([
    "600-604 sz-2-d1",
    "200-204 sh-2-d1",
    "604-802 sz-2-d1",
    "802-1000 sz-2-d1",
    "204-402 sh-2-d1",
    "402-600 sh-2-d1",
  ]);
  expect(writes?.waves.slice(0, 6).every((wave) => wave.length === 1)).toBe(true);
});

test("another primary for a shard is a takeover between standing copies, proven again first, and copies nothing", () => {
  const target = rangeKeyspace("profile", [
    shard("p0", 0n, 1000n, "sz-1-d1", "sh-1-d1", "tj-1-d1"),
  ]);
  const made = planFor(topologyOf([target]), asIs);
  expect(made.stages.map((stage) => stage.kind)).toEqual([
    "preflight",
    "sync",
    "verify",
    "promote-writes",
    "soak",
  ]);
  expect(stepsOf(made, "verify").map(({ node }) => node)).toEqual(["sz-1-d1"]);
});

test("nobody is left following a copy that is dropped", () => {
  const chained = live((entry) =>
    entry.node === "tj-1-d1" ? { ...entry, source: "sz-1-d1" } : entry,
  );
  const target = rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sh-1-d1", "tj-1-d1")]);
  const made = planFor(topologyOf([target]), chained);
  expect(stepsOf(made, "repoint")).toMatchObject([{ node: "tj-1-d1", source: "sh-1-d1" }]);
});

test("the first plan of an empty cluster makes primaries, then copies, and publishes whole first routes", () => {
  const made = planFor(topologyOf([SPLIT]), { keyspaces: [], unreachable: [], basis: "measured" });
  expect(made.stages.map((stage) => stage.kind)).toEqual([
    "preflight",
    "create",
    "attach",
    "sync",
    "verify",
    "promote-reads",
  ]);
  expect(stepsOf(made, "domain")).toMatchObject([{ before: null, after: { lo: 0n, hi: 1000n } }]);
});

test("sizes come from the entries, by the share that moves", () => {
  const sized = live((entry) => ({ ...entry, rows: 1000n, bytes: 100_000n }), {
    basis: "measured",
  });
  const made = planFor(topologyOf([SPLIT]), sized);
  expect(stepsOf(made, "link").map(({ bytes }) => bytes)).toEqual([50_000n, 50_000n]);
  expect(made.estimate).toMatchObject({ bytes: 100_000n, rows: 1000n, basis: "measured" });
  expect(stepsOf(made, "preflight").find(({ node }) => node === "sh-2-d1")?.bytesIn).toBe(50_000n);
  const attach = made.stages.find((stage) => stage.kind === "attach");
  expect(attach?.estimate.seconds).toBe(0.1);
  expect(made.stages.find((stage) => stage.kind === "soak")?.estimate.seconds).toBe(
    POLICY.soakSeconds,
  );
});

test("gates that may find nobody count as a range, and every step takes some time", () => {
  const made = planFor(topologyOf([SPLIT]), asIs);
  const reads = made.stages.filter(({ kind }) => kind === "promote-reads");
  const { windowSeconds } = POLICY.gates;
  for (const { estimate } of reads) {
    expect(estimate.mostSeconds - estimate.seconds).toBeCloseTo(2 * windowSeconds);
    expect(estimate.seconds).toBeGreaterThan(windowSeconds);
  }
  const { seconds, mostSeconds } = made.estimate;
  expect(mostSeconds - seconds).toBeCloseTo(2 * windowSeconds * reads.length);

  const empty: Observed = { keyspaces: [], unreachable: [], basis: "measured" };
  const first = planFor(topologyOf([WHOLE]), empty);
  expect(first.estimate.seconds).toBeGreaterThan(0);
});

test("only the keyspaces that change are locked and make the plan stale", () => {
  const other = rangeKeyspace("other", [shard("o0", 0n, 1000n, "tj-2-d2")]);
  const made = planFor(
    topologyOf([SPLIT, other]),
    observedFromTopology(topologyOf([WHOLE, other])),
  );
  expect(made.scopes).toEqual(["keyspace/profile"]);
  expect(made.keyspaces.map(({ id }) => id)).toEqual(["profile"]);
});

function refusal(
  topology: Topology,
  observed: Observed,
): { code: string; exit: number; message: string } {
  try {
    planFor(topology, observed);
  } catch (error) {
    return error as { code: string; exit: number; message: string };
  }
  throw new Error("it was planned");
}

test("two primaries of a segment: nothing is planned", () => {
  const twice = live((entry) => ({ ...entry, role: "primary" }));
  expect(refusal(topologyOf([SPLIT]), twice)).toMatchObject({
    code: "plan/two-primaries",
    exit: 3,
  });
});

test("a takeover that has not ended: nothing is planned", () => {
  const claiming = live((entry) =>
    entry.node === "sz-1-d1" ? { ...entry, role: "claiming" } : entry,
  );
  expect(refusal(topologyOf([SPLIT]), claiming)).toMatchObject({
    code: "plan/takeover-in-progress",
    exit: 3,
  });
});

test("no primary: refused, and called unreachable when a silent node may be it", () => {
  const orphaned = (entry: ObservedEntry) => (entry.role === "primary" ? [] : entry);
  expect(refusal(topologyOf([SPLIT]), live(orphaned))).toMatchObject({
    code: "plan/no-primary",
    exit: 3,
  });
  const silent = [{ node: "sh-1-d1", why: "connection refused" }];
  const elsewhere = rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sz-1-d1")]);
  const found = refusal(topologyOf([elsewhere]), live(orphaned, { unreachable: silent }));
  expect(found).toMatchObject({ code: "plan/no-primary", exit: 9 });
  expect(found.message).toContain("sh-1-d1 (connection refused)");
});

test("a needed node that does not answer is refused; one that holds nothing is only left out", () => {
  const needed = live((entry) => entry, { unreachable: [{ node: "sh-2-d1", why: "timeout" }] });
  expect(refusal(topologyOf([SPLIT]), needed)).toMatchObject({ code: "plan/unreachable", exit: 9 });
  const idle = live((entry) => entry, { unreachable: [{ node: "tj-2-d2", why: "timeout" }] });
  expect(Object.keys(planFor(topologyOf([SPLIT]), idle).nodes)).not.toContain("tj-2-d2");
});

test("a node that holds data may not leave the topology", () => {
  const without = { ...topologyOf([SPLIT]), nodes: NODES.filter(({ id }) => id !== "sz-1-d1") };
  const target = {
    ...without,
    keyspaces: [rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sh-1-d1", "tj-1-d1")])],
  };
  expect(refusal(target, asIs)).toMatchObject({ code: "plan/node-missing", exit: 3 });
});

const ring = (primary: string) => ringKeyspace("status", 4, [["s0", primary]]);

test("what would mean something else at every position cannot be planned, and is named", () => {
  const otherSharding = { ...ring("sh-1-d1"), id: "profile" };
  const found = refusal(topologyOf([otherSharding]), asIs);
  expect(found).toMatchObject({ code: "plan/unsupported", exit: 3 });
  expect(found.message).toContain("sharding changes from range to consistent-hash");

  const apart = { ...WHOLE, domain: { lo: 2000n, hi: 3000n } };
  const shards = [{ ...WHOLE.shards[0]!, segments: [apart.domain] }];
  const away = refusal(topologyOf([{ ...apart, shards }]), asIs);
  expect(away).toMatchObject({ code: "plan/unsupported", exit: 3 });
  expect(away.message).toContain("does not touch the present one");
});

test("another primary in a hashed keyspace is no change of the ring", () => {
  const made = planFor(
    topologyOf([ring("tj-1-d1")]),
    observedFromTopology(topologyOf([ring("sh-1-d1")])),
  );
  expect(stepsOf(made, "takeover").length).toBeGreaterThan(0);
});
