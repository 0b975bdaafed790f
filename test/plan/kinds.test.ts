import { describe, expect, test } from "vitest";
import { difference, union } from "../../src/lib/keyspace/map.js";
import { discardsOf } from "../../src/lib/plan/discards.js";
import { asOwners } from "../../src/lib/plan/holdings.js";
import {
  observedFromTopology,
  type Observed,
  type ObservedEntry,
} from "../../src/lib/plan/observed.js";
import { ringShare } from "../../src/lib/plan/ring-share.js";
import type { ShardPlan } from "../../src/lib/plan/types.js";
import { planText } from "../../src/lib/report/plan.js";
import type { Keyspace, Topology } from "../../src/lib/topology/types.js";
import {
  NODES,
  planBetween,
  planFor,
  POLICY,
  rangeKeyspace,
  ranges,
  ringKeyspace,
  shard,
  stepsOf,
  topologyOf,
} from "./cluster.js";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";

const kindsOf = ({ stages }: ShardPlan) => stages.map(({ kind }) => kind);
const textOf = (plan: ShardPlan) =>
  planText(plan, { width: 80, verbose: false }).replaceAll(/\s+/g, " ");

function refusal(topology: Topology, observed: Observed) {
  try {
    planFor(topology, observed);
  } catch (error) {
    return error as { code: string; exit: number; message: string };
  }
  throw new Error("it was planned");
}

/** The state of a keyspace with its entries changed. */
function live(
  keyspace: Keyspace,
  change: (entry: ObservedEntry) => ObservedEntry | ObservedEntry[],
  more: Partial<Observed> = {},
): Observed {
  const observed = observedFromTopology(topologyOf([keyspace]));
  const keyspaces = observed.keyspaces.map((one) => ({
    ...one,
    entries: one.entries.flatMap(change),
  }));
  return { ...observed, keyspaces, ...more };
}

/** Over other positions than [0, 1000). */
function over(lo: bigint, hi: bigint, ...shards: Keyspace["shards"]): Keyspace {
  return { ...rangeKeyspace("profile", shards, hi), domain: { lo, hi } };
}

const TWO = over(
  0n,
  1000n,
  shard("p0", 0n, 400n, "sh-1-d1", "sz-1-d1"),
  shard("p1", 400n, 1000n, "sh-1-d1", "sz-1-d1"),
);
const SILENT = [{ node: "tj-2-d2", why: "timeout" }];

describe("a segment that goes to a shard with the same holders", () => {
  const target = over(
    0n,
    1000n,
    shard("p0", 0n, 700n, "sh-1-d1", "sz-1-d1"),
    shard("p1", 700n, 1000n, "sh-1-d1", "sz-1-d1"),
  );
  const plan = planBetween(topologyOf([TWO]), topologyOf([target]));

  test("changes its name in the routes, and nothing is copied, taken over or watched", () => {
    expect(kindsOf(plan)).toEqual(["preflight", "promote-writes"]);
    expect(stepsOf(plan, "relabel")).toMatchObject([
      { segments: [{ lo: 400n, hi: 700n }], shardBefore: "p1", shard: "p0" },
    ]);
    expect(plan.stages[1]!.waves.flat()).toHaveLength(1);
  });

  test("is copied only to those that do not have it", () => {
    const elsewhere = over(
      0n,
      1000n,
      shard("p0", 0n, 700n, "sh-1-d1", "tj-1-d1"),
      shard("p1", 700n, 1000n, "sh-1-d1", "sz-1-d1"),
    );
    const made = planBetween(topologyOf([TWO]), topologyOf([elsewhere]));
    const links = stepsOf(made, "link").map(({ node, segments }) => [node, ranges(segments)]);
    expect(links).toEqual([
      ["tj-1-d1", "0-400"],
      ["tj-1-d1", "400-700"],
    ]);
    expect(stepsOf(made, "relabel")).toHaveLength(1);
    expect(stepsOf(made, "takeover")).toEqual([]);
    const dropped = stepsOf(made, "drop").flatMap(({ segments }) => segments);
    expect(ranges(union(dropped))).toBe("0-700");
  });
});

describe("a domain that becomes larger", () => {
  const larger = over(
    0n,
    2000n,
    shard("p0", 0n, 400n, "sh-1-d1", "sz-1-d1"),
    shard("p1", 400n, 2000n, "sh-1-d1", "sz-1-d1"),
  );

  test("gets new, empty segments, and routes to them once they are whole", () => {
    const plan = planBetween(topologyOf([TWO]), topologyOf([larger]));
    expect(stepsOf(plan, "init")).toMatchObject([
      { node: "sh-1-d1", shard: "p1", segments: [{ lo: 1000n, hi: 2000n }] },
    ]);
    expect(stepsOf(plan, "domain")).toMatchObject([
      { before: { hi: 1000n }, after: { hi: 2000n } },
    ]);
    expect(kindsOf(plan)).toEqual([
      "preflight",
      "create",
      "attach",
      "sync",
      "verify",
      "promote-reads",
    ]);
  });

  test("is not planned while a node that may hold some of that does not answer", () => {
    const blind = live(TWO, (entry) => entry, { unreachable: SILENT });
    const found = refusal(topologyOf([larger]), blind);
    expect(found).toMatchObject({ code: "plan/unseen", exit: 9 });
    expect(found.message).toContain("tj-2-d2 (timeout)");
  });

  test("takes over what is left there of an earlier, larger one", () => {
    const leftover = observedFromTopology(topologyOf([larger]));
    const routes = {
      sharding: "range",
      domain: TWO.domain,
      withdrawn: false,
      settings: DEFAULT_SETTINGS,
    } as const;
    const keyspaces = leftover.keyspaces.map((one) => ({ ...one, routes }));
    const plan = planFor(topologyOf([larger]), { ...leftover, keyspaces });
    expect(stepsOf(plan, "init")).toEqual([]);
    expect(stepsOf(plan, "domain")).toHaveLength(1);
  });
});

describe("a new primary in the set of the old one", () => {
  const from = shard("p0", 0n, 1000n, "sh-1-d1", "sz-1-d1");
  const at = (ack: Keyspace["ack"], primary: string) =>
    topologyOf([{ ...rangeKeyspace("profile", [{ ...from, primary }]), ack }]);
  const kindsOfWrites = (ack: Keyspace["ack"], primary: string) =>
    planBetween(at(ack, "sh-1-d1"), at(ack, primary))
      .stages.find(({ kind }) => kind === "promote-writes")!
      .waves.map((wave) => wave.map(({ kind }) => kind).join());

  test("is followed by the others after each takeover where writes wait for them", () => {
    const pair = ["takeover", "repoint"];
    expect(kindsOfWrites("follower", "sh-1-d2")).toEqual([...pair, ...pair, ...pair]);
    const last = ["takeover", "takeover", "takeover", "repoint"];
    expect(kindsOfWrites("local", "sh-1-d2")).toEqual(last);
    // The old writer is in another set, and follows by itself.
    expect(kindsOfWrites("follower", "sh-2-d1")).toEqual(last);
  });
});

describe("other settings", () => {
  const settings = (syncWindowMs: number, more: Partial<Keyspace> = {}) =>
    topologyOf([{ ...TWO, class: "status", ...more }], { ...POLICY, syncWindowMs });

  test("are a plan of their own, published once, and taken back by publishing the old ones", () => {
    const plan = planBetween(settings(1000), settings(3000, { ack: "follower" }));
    expect(kindsOf(plan)).toEqual(["preflight", "settings"]);
    expect(stepsOf(plan, "settings")).toMatchObject([
      {
        keyspace: "profile",
        before: { ack: "local", syncWindowMs: 1000 },
        after: { ack: "follower", syncWindowMs: 3000 },
      },
    ]);
    expect(plan.fingerprint.before).not.toBe(plan.fingerprint.after);
    expect(textOf(plan)).toContain("profile ack follower (was local), sync window 3s (was 1s)");
  });

  test("come last, once the copies that they rest on are there", () => {
    const more = over(
      0n,
      1000n,
      { ...TWO.shards[0]!, replicas: ["sz-1-d1", "tj-1-d1"] },
      TWO.shards[1]!,
    );
    const plan = planBetween(settings(1000), settings(0, { shards: more.shards }));
    expect(kindsOf(plan).slice(-3)).toEqual(["promote-reads", "settings", "soak"]);
  });

  test("are in the first routes from the beginning, and stay with withdrawn ones", () => {
    const fresh = planBetween(topologyOf([]), settings(1000));
    expect(stepsOf(fresh, "settings")).toEqual([]);
    expect(fresh.keyspaces[0]!.settings.before).toEqual({ ack: "local", syncWindowMs: 1000 });
    expect(stepsOf(planBetween(settings(1000), topologyOf([])), "settings")).toEqual([]);
  });

  test("leave nothing out where all changes count, or where none crosses regions", () => {
    for (const more of [{ class: "relationship" }, { sync: "local" }] as const)
      expect(planBetween(settings(0, more), settings(5000, more)).stages).toEqual([]);
  });
});

describe("a domain that becomes smaller", () => {
  const smaller = over(0n, 800n, TWO.shards[0]!, shard("p1", 400n, 800n, "sh-1-d1", "sz-1-d1"));
  const plan = planBetween(topologyOf([TWO]), topologyOf([smaller]));

  test("is one in the routes; the data outside is deleted last, at replicas first, and only when named", () => {
    expect(kindsOf(plan)).toEqual(["preflight", "promote-writes", "soak", "retire"]);
    const retire = plan.stages.at(-1)!;
    expect(retire.undo.lossless).toBe(false);
    expect(retire.waves).toMatchObject([
      [{ kind: "discard", node: "sz-1-d1", segments: [{ lo: 800n, hi: 1000n }] }],
      [{ kind: "discard", node: "sh-1-d1", segments: [{ lo: 800n, hi: 1000n }] }],
    ]);
    expect(discardsOf(plan)).toEqual([
      {
        keyspace: "profile",
        whole: false,
        segments: [{ lo: 800n, hi: 1000n }],
        nodes: ["sh-1-d1", "sz-1-d1"],
      },
    ]);
    expect(textOf(plan)).toContain(
      "profile [800, 1000) deleted for good on sh-1-d1, sz-1-d1. Only ops shard finalize --drop-outside profile does it.",
    );
  });

  test("may move at both ends, as long as it touches what it was", () => {
    const moved = over(500n, 1500n, shard("p1", 500n, 1500n, "sh-1-d1", "sz-1-d1"));
    const made = planBetween(topologyOf([TWO]), topologyOf([moved]));
    const domains = stepsOf(made, "domain").map(({ before, after }) =>
      [before, after].map((domain) => ranges([domain!])),
    );
    expect(domains).toEqual([
      ["0-1000", "0-1500"],
      ["0-1500", "500-1500"],
    ]);
    const gone = stepsOf(made, "discard").flatMap(({ segments }) => segments);
    expect(ranges(union(gone))).toBe("0-500");
  });
});

describe("a keyspace that is no longer in the file", () => {
  const OTHER = rangeKeyspace("other", [shard("o0", 0n, 1000n, "tj-1-d1")]);
  const plan = planBetween(topologyOf([TWO, OTHER]), topologyOf([OTHER]));

  test("has its routes withdrawn; its data is deleted last, and only when named", () => {
    expect(plan.scopes).toEqual(["keyspace/profile"]);
    expect(plan.keyspaces).toMatchObject([{ id: "profile", domain: { after: null }, after: [] }]);
    expect(kindsOf(plan)).toEqual(["preflight", "promote-writes", "soak", "retire"]);
    expect(stepsOf(plan, "domain")).toMatchObject([{ after: null }]);
    const waves = plan.stages
      .at(-1)!
      .waves.map((wave) => wave.map((step) => step.kind === "discard" && step.node));
    expect(waves.map((wave) => [...new Set(wave)])).toEqual([["sz-1-d1"], ["sh-1-d1"]]);
    expect(textOf(plan)).toContain(
      "all of profile deleted for good on sh-1-d1, sz-1-d1. Only ops shard finalize --drop-keyspace profile does it.",
    );
  });

  test("is planned again as what is left of it, once its routes are withdrawn", () => {
    const observed = observedFromTopology(topologyOf([TWO]));
    const withdrawn = observed.keyspaces.map((one) => ({
      ...one,
      routes: { ...one.routes!, withdrawn: true },
    }));
    const left = planFor(topologyOf([OTHER, TWO]), { ...observed, keyspaces: withdrawn });
    const back = left.keyspaces.find(({ id }) => id === "profile")!;
    expect(back.domain).toEqual({ before: null, after: TWO.domain });
    expect(stepsOf(left, "init").map(({ keyspace }) => keyspace)).toEqual(["other"]);
    const gone = planFor(topologyOf([]), { ...observed, keyspaces: withdrawn });
    expect(stepsOf(gone, "domain")).toEqual([]);
    expect(new Set(stepsOf(gone, "discard").map(({ node }) => node))).toEqual(
      new Set(["sh-1-d1", "sz-1-d1"]),
    );
  });

  test("is refused without routes, and while a node that may hold some of it does not answer", () => {
    const observed = observedFromTopology(topologyOf([TWO]));
    const unrouted = observed.keyspaces.map((one) => ({ ...one, routes: null }));
    const found = refusal(topologyOf([OTHER]), { ...observed, keyspaces: unrouted });
    expect(found).toMatchObject({ code: "plan/unsupported", exit: 3 });
    expect(found.message).toContain("no agent has its routes");
    const blind = { ...observed, unreachable: SILENT };
    expect(refusal(topologyOf([OTHER]), blind)).toMatchObject({ code: "plan/unseen", exit: 9 });
  });
});

test("positions that clients are sent to and nobody holds are no empty ones", () => {
  const lost = (keep: (entry: ObservedEntry) => boolean) =>
    live(TWO, (entry) => (keep(entry) ? entry : []));
  const target = topologyOf([over(0n, 2000n, shard("p0", 0n, 2000n, "sh-1-d1", "sz-1-d1"))]);
  const all = refusal(
    target,
    lost(() => false),
  );
  expect(all).toMatchObject({ code: "plan/no-primary", exit: 3 });
  expect(
    refusal(
      target,
      lost(({ segment }) => segment.lo === 0n),
    ),
  ).toMatchObject({
    code: "plan/no-primary",
    exit: 3,
  });
});

describe("a hash ring", () => {
  const nodes = NODES.map(({ id }) => id);
  const ring = (virtualNodes: number, shards: number) =>
    ringKeyspace(
      "status",
      virtualNodes,
      nodes.slice(0, shards).map((node, i) => [`s${i}`, node] as const),
    );
  const between = (before: Keyspace, after: Keyspace) =>
    planBetween(topologyOf([before]), topologyOf([after]));
  /** What goes to another shard, by the file; what is taken over, once each. */
  const assertMoves = (plan: ShardPlan) => {
    const [status] = plan.keyspaces;
    const wanted = difference(
      asOwners(status!.before),
      asOwners(status!.after),
      (a, b) => a.primary === b.primary,
    );
    const taken = stepsOf(plan, "takeover").flatMap(({ segments }) => segments);
    const width = (all: readonly { lo: bigint; hi: bigint }[]) =>
      all.reduce((sum, { lo, hi }) => sum + (hi - lo), 0n);
    expect(union(taken)).toEqual(union(wanted));
    expect(width(taken)).toBe(width(wanted));
    return union(wanted).length;
  };

  test.each([
    ["one shard more", 4, 5],
    ["one shard less", 5, 4],
    ["two shards more", 4, 6],
  ])(
    "%s: what moves goes to or comes from that shard only, in steps by source and target",
    (_what, before, after) => {
      const plan = between(ring(160, before), ring(160, after));
      const segments = assertMoves(plan);
      const added = new Set(nodes.slice(Math.min(before, after), Math.max(before, after)));
      const pairs = new Set<string>();
      for (const { node, from } of stepsOf(plan, "takeover")) {
        expect(added.has(after > before ? node : from)).toBe(true);
        pairs.add(`${from} ${node}`);
      }
      expect(segments).toBeGreaterThan(100);
      expect(stepsOf(plan, "link")).toHaveLength(pairs.size);
      // A canary and two slices of each, however many segments there are.
      expect(stepsOf(plan, "takeover")).toHaveLength(3 * pairs.size);
      const writes = plan.stages.find(({ kind }) => kind === "promote-writes")!;
      expect(writes.waves.length).toBeLessThanOrEqual(4 * pairs.size);
    },
  );

  test("the share that moves is told against K/n, and what is above 1.05 times that is told to be", () => {
    const told = Array.from({ length: 10 }, (_, i) => between(ring(160, i + 2), ring(160, i + 3)));
    const shares = told.map((plan) => ringShare(plan.keyspaces[0]!)!);
    const above = shares.map(({ moved, even }) => moved / even > 1.05);
    expect(new Set(above)).toEqual(new Set([true, false]));
    for (const [i, plan] of told.entries()) {
      const { shards, even } = shares[i]!;
      expect(shards).toEqual({ before: i + 2, after: i + 3 });
      expect(even).toBeCloseTo(1 / (i + 3));
      expect(textOf(plan)).toMatch(/ring: \d+ -> \d+ shards, [\d.]+ % of it goes to another one/);
      expect(textOf(plan).includes("times that: more than 1.05")).toBe(above[i]);
    }
  });

  test("a shard less is K/n of the shards that there were", () => {
    const { even } = ringShare(between(ring(160, 5), ring(160, 4)).keyspaces[0]!)!;
    expect(even).toBeCloseTo(1 / 5);
  });

  test("thousands of segments are as many steps as a few", () => {
    const few = between(ring(64, 8), ring(64, 9));
    const many = between(ring(2048, 8), ring(2048, 9));
    const segments = assertMoves(many);
    expect(segments).toBeGreaterThan(1500);
    const count = (plan: ShardPlan) => plan.stages.flatMap(({ waves }) => waves.flat()).length;
    expect(count(many)).toBe(count(few));
    const sizes = stepsOf(many, "link").map((step) => step.segments.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
  });

  test("more moves than a policy lets run at once take over side by side, within its limits", () => {
    const before = ring(32, 6);
    const shards = before.shards.map((one, i) => ({ ...one, primary: nodes[6 + i]! }));
    const plan = between(before, { ...before, shards });
    const writes = plan.stages.find(({ kind }) => kind === "promote-writes")!;
    const takeovers = writes.waves.map((wave) => wave.filter(({ kind }) => kind === "takeover"));
    const widest = Math.max(...takeovers.map((wave) => wave.length));
    expect(widest).toBeGreaterThan(1);
    expect(widest).toBeLessThanOrEqual(POLICY.concurrency.total);
  });

  test("other numbers of virtual nodes are planned as any other change", () => {
    assertMoves(between(ring(40, 4), ring(80, 4)));
  });
});

describe("a shard that leaves the file", () => {
  const THREE = over(
    0n,
    900n,
    shard("p0", 0n, 300n, "sh-1-d1", "sz-1-d1"),
    shard("p1", 300n, 600n, "sh-2-d1", "sz-2-d1"),
    shard("p2", 600n, 900n, "tj-1-d1", "sz-1-d2"),
  );

  test("gives its segments to whom the file says, and its nodes keep nothing", () => {
    const target = over(
      0n,
      900n,
      shard("p0", 0n, 450n, "sh-1-d1", "sz-1-d1"),
      shard("p2", 450n, 900n, "tj-1-d1", "sz-1-d2"),
    );
    const plan = planBetween(topologyOf([THREE]), topologyOf([target]));
    const taken = stepsOf(plan, "takeover").map(({ node, from }) => `${from} ${node}`);
    expect(new Set(taken)).toEqual(new Set(["sh-2-d1 sh-1-d1", "sh-2-d1 tj-1-d1"]));
    expect(new Set(stepsOf(plan, "drop").map(({ node }) => node))).toEqual(
      new Set(["sh-2-d1", "sz-2-d1"]),
    );
  });

  test("may have its place taken by one elsewhere, replicas and all", () => {
    const target = over(
      0n,
      900n,
      THREE.shards[0]!,
      shard("q1", 300n, 600n, "tj-2-d1", "sh-1-d2"),
      THREE.shards[2]!,
    );
    const plan = planBetween(topologyOf([THREE]), topologyOf([target]));
    expect(new Set(stepsOf(plan, "link").map(({ node }) => node))).toEqual(
      new Set(["tj-2-d1", "sh-1-d2"]),
    );
    expect(stepsOf(plan, "relabel")).toEqual([]);
    for (const { shard: to, shardBefore } of stepsOf(plan, "takeover"))
      expect([shardBefore, to]).toEqual(["p1", "q1"]);
  });
});
