import { describe, expect, it } from "vitest";
import { checkPlan } from "../../src/lib/plan/check/index.js";
import { decodeStoredPlan, encodePlan } from "../../src/lib/plan/encode.js";
import { observedFromTopology } from "../../src/lib/plan/observed.js";
import { composePlan } from "../../src/lib/plan/region/compose.js";
import type { RegionPlan } from "../../src/lib/plan/region/types.js";
import type { UserPlan, UserStageKind } from "../../src/lib/plan/users/types.js";
import { planLeaving } from "../../src/lib/plan/writers.js";
import { type StageDraft, assemble } from "../../src/lib/schedule/change/assemble.js";
import { NO_POLICY } from "../../src/lib/schedule/change/policy-part.js";
import { rangeKeyspace, topologyOf } from "./cluster.js";
import { GATES } from "../support/gates.js";

const TOPOLOGY = topologyOf([
  rangeKeyspace("profile", [
    { id: "p0", segments: [{ lo: 0n, hi: 1000n }], primary: "sh-1-d1", replicas: ["sz-1-d1"] },
  ]),
]);
const about = { createdAt: "2026-11-24T00:00:00Z", topology: { name: "t", hash: "0" } };
const change = { what: "evacuate", sites: ["sh"], reason: "fire", actor: "me", overridden: [] };

const shards = planLeaving(
  {
    topology: TOPOLOGY,
    observed: observedFromTopology(TOPOLOGY),
    createdAt: about.createdAt,
    topologyHash: "0",
  },
  "sh",
).plan;

/** With stages of these kinds, each of one step. */
function usersWith(...kinds: readonly UserStageKind[]): UserPlan {
  const drafts = kinds.map((kind): StageDraft => ({
    kind,
    title: kind,
    waves: [[{ kind: "ramp", entries: [kind], site: "sh-a", seconds: 1 }]],
    how: "nothing",
    seconds: 1,
  }));
  const nodes = { "sh-gw": { url: "http://127.0.0.1:1", region: "sh", set: "sh-a" } };
  const situation = {
    now: 0,
    policy: NO_POLICY,
    unlisted: [],
    offered: NO_POLICY.sites,
    gateways: [],
    dispatchers: [],
    over: [],
    silent: [],
  };
  const context = {
    ...about,
    nodes,
    gates: GATES,
  };
  return assemble(drafts, situation, NO_POLICY, context, {
    change,
    moves: [],
    receivers: [],
    pace: { perSecond: null, seconds: 0, boundSeconds: 0 },
  });
}

const composed = (users: UserPlan | null, data = shards): RegionPlan =>
  composePlan({ ...about, change, users, shards: data, stays: [], usersStay: null });

const kinds = ({ stages }: RegionPlan) => stages.map(({ kind }) => kind);

describe("a region's plan", () => {
  it("looks first, then masks, then moves writes, and tells users last", () => {
    const plan = composed(usersWith("recall", "mask", "move"));
    const writes = ["sync", "verify", "promote-writes"];
    expect(kinds(plan)).toEqual(["reach", "preflight", "recall", "mask", ...writes, "move"]);
    expect(plan.stages.map(({ id }) => id)).toContain("7-promote-writes");
    expect(plan.scopes).toEqual(["keyspace/profile", "schedule"]);
  });

  it("brings logins back before writes, and tells users last", () => {
    const plan = composed(usersWith("restore", "return", "end"));
    expect(kinds(plan).slice(-2)).toEqual(["return", "end"]);
    expect(kinds(plan).indexOf("restore")).toBeLessThan(kinds(plan).indexOf("promote-writes"));
  });

  it("names every step once, and its halves are whole plans of their own", () => {
    const plan = composed(usersWith("recall", "mask", "move"));
    const ids = plan.stages.flatMap(({ waves }) => waves.flat().map(({ id }) => id));
    expect(ids).toEqual(ids.map((_, i) => `s${i + 1}`));
    expect(checkPlan(plan.shards!)).toEqual([]);
    expect(plan.users!.stages.map(({ id }) => id)).toEqual([
      "1-reach",
      "3-recall",
      "4-mask",
      "8-move",
    ]);
  });

  it("survives its file, as do those of one half only", () => {
    for (const plan of [
      composed(usersWith("mask", "move")),
      composed(null),
      composed(usersWith("mask"), null),
    ])
      expect(decodeStoredPlan(encodePlan(plan), "plan.json")).toEqual(plan);
  });

  it("is refused when anything in it was changed: itself, its order, a half", () => {
    const text = encodePlan(composed(usersWith("mask", "move")));
    const edits: [string, string][] = [
      ['"reason": "fire"', '"reason": "flood"'],
      ['"node": "sz-1-d1"', '"node": "tj-1-d1"'],
      ['"site": "sh-a"', '"site": "sz-a"'],
    ];
    for (const [from, to] of edits) {
      expect(text).toContain(from);
      expect(() => decodeStoredPlan(text.replace(from, to), "plan.json")).toThrow(/was changed/);
    }
    const raw = JSON.parse(text) as { order: string[] };
    const swapped = JSON.stringify({ ...raw, order: raw.order.toReversed() });
    expect(() => decodeStoredPlan(swapped, "plan.json")).toThrow(/was changed/);
    const unknown = JSON.stringify({ ...raw, order: [...raw.order.slice(1), "9-nothing"] });
    expect(() => decodeStoredPlan(unknown, "plan.json")).toThrow(/no stage 9-nothing/);
  });
});
