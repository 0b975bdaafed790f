import { expect, test } from "vitest";
import { type AdoptionRequest, planAdoption } from "../../src/lib/plan/adopt.js";
import { assertSound } from "../../src/lib/plan/check/index.js";
import { decodePlan, encodePlan } from "../../src/lib/plan/encode.js";
import { type Observed, observedFromTopology } from "../../src/lib/plan/observed.js";
import type { ShardPlan } from "../../src/lib/plan/types.js";
import { parseTopology } from "../../src/lib/topology/parse.js";
import { topology as text } from "../e2e/topologies.js";

const topology = parseTopology(text(false, {}), "topology.yaml");
const LIVE = observedFromTopology(topology);
const NAMES = topology.nodes.map(({ id }) => id);
const obeying = (lineage: string | null, others: Readonly<Record<string, string>> = {}) =>
  new Map(NAMES.map((node) => [node, { lineage: others[node] ?? lineage, lineageChanges: 0 }]));

function adoption(more: Partial<AdoptionRequest> = {}): ShardPlan {
  const plan = planAdoption({
    topology,
    observed: LIVE,
    createdAt: "2026-01-01T00:00:00.000Z",
    topologyHash: "h",
    lineages: obeying("old"),
    lineage: null,
    misrouted: new Set(),
    ...more,
  });
  assertSound(plan);
  expect(decodePlan(encodePlan(plan), "plan.json")).toEqual(plan);
  return plan;
}

/** Of the live keyspace, something else. */
function live(more: Partial<Observed["keyspaces"][number]>): Observed {
  return { ...LIVE, keyspaces: LIVE.keyspaces.map((keyspace) => ({ ...keyspace, ...more })) };
}

const kinds = ({ stages }: ShardPlan) =>
  stages.flatMap(({ waves }) => waves.flat()).map(({ kind }) => kind);
const adopts = NAMES.map(() => "adopt");
const preflights = NAMES.map(() => "preflight");

test("takes every node over and publishes routes to the holders, who stay", () => {
  const plan = adoption();
  expect(kinds(plan)).toEqual([...preflights, ...adopts, "domain"]);
  expect(plan.stages.map(({ id }) => id)).toEqual([
    "1-preflight",
    "2-adopt",
    "3-promote-reads-first",
  ]);
  expect(plan.fingerprint.after).toBe(plan.fingerprint.before);
  expect(plan.scopes).toEqual(["keyspace/profile"]);
});

test("has nothing to do where all obey, or nobody yet, and the routes are right", () => {
  expect(adoption({ lineage: "old" }).stages).toEqual([]);
  expect(adoption({ lineages: obeying(null) }).stages).toEqual([]);
  const misrouted = new Set(["profile"]);
  expect(kinds(adoption({ lineage: "old", misrouted }))).toEqual([...preflights, "domain"]);
});

test("gives first routes over the domain of the file where none are known, or they were withdrawn", () => {
  const before = null;
  for (const routes of [null, { ...LIVE.keyspaces[0]!.routes!, withdrawn: true }]) {
    const [keyspace] = adoption({ observed: live({ routes }) }).keyspaces;
    expect(keyspace!.domain).toEqual({ before, after: { lo: 0n, hi: 4000n } });
  }
});

test("leaves what was narrowed narrow, and what was withdrawn withdrawn, with the data", () => {
  const known = LIVE.keyspaces[0]!.routes!;
  const domain = { lo: 0n, hi: 3000n };
  const narrow = adoption({ observed: live({ routes: { ...known, domain } }) });
  expect(narrow.keyspaces[0]).toMatchObject({ domain: { before: domain, after: domain } });
  expect(narrow.keyspaces[0]!.after.at(-1)!.hi).toBe(4000n);
  expect(kinds(narrow)).toEqual([...preflights, ...adopts, "domain"]);

  const [keyspace] = LIVE.keyspaces;
  const gone = { ...keyspace!, id: "album", routes: { ...known, domain, withdrawn: true } };
  const removed = adoption({ observed: { ...LIVE, keyspaces: [keyspace!, gone] } });
  expect(removed.keyspaces.map(({ id, domain: { after } }) => [id, after])).toEqual([
    ["profile", { lo: 0n, hi: 4000n }],
    ["album", null],
  ]);
  expect(kinds(removed)).toEqual([...preflights, ...adopts, "domain"]);
});

test("takes nodes over that hold nothing, under the lock of a keyspace of the file", () => {
  const plan = adoption({ observed: { ...LIVE, keyspaces: [] } });
  expect(kinds(plan)).toEqual([...preflights, ...adopts]);
  expect(plan.scopes).toEqual(["keyspace/profile"]);
});

test("is refused for silent nodes, several control planes, and parts that nobody or two hold", () => {
  const code = (more: Partial<AdoptionRequest>) => {
    try {
      adoption(more);
      return null;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  const [keyspace] = LIVE.keyspaces;
  const entries = keyspace!.entries;
  const without = live({ entries: entries.filter(({ node }) => node !== "c1") });
  const twice = live({ entries: [...entries, { ...entries[0]!, node: "a2", generation: 7n }] });
  const stranger = live({ entries: entries.map((one) => ({ ...one, node: `${one.node}x` })) });
  const silent = { ...LIVE, unreachable: [{ node: "a2", why: "refused" }] };
  expect(code({ observed: silent })).toBe("plan/unreachable");
  expect(code({ lineages: obeying("old", { c1: "other" }) })).toBe("plan/lineages");
  expect(code({ lineages: obeying("old", { c1: "ours" }), lineage: "ours" })).toBeNull();
  expect(code({ observed: without })).toBe("plan/no-primary");
  expect(code({ observed: twice })).toBe("plan/two-primaries");
  expect(code({ observed: stranger })).toBe("plan/node-missing");
});
