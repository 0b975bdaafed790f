import { expect, test } from "vitest";
import { alreadyInForce, planOfRepeat } from "../../src/lib/schedule/change/already.js";
import type { Intent } from "../../src/lib/schedule/change/intent.js";
import type { Situation } from "../../src/lib/schedule/change/situation.js";
import type { Entry } from "../../src/lib/policy/document.js";
import { DAY, entry, threeSites } from "../policy/policies.js";
import { GATES } from "../support/gates.js";

const ALL = { carrier: null, province: null, port: null };

function wanted(more: Partial<Intent> = {}): Intent {
  return {
    mode: "mask",
    empties: false,
    sites: ["a", "b"],
    filter: ALL,
    reason: "loss",
    actor: "wang",
    ttlMs: DAY,
    ramp: { step: 0.1, everyMs: 1_000 },
    pace: { kind: "auto" },
    overrides: [],
    ...more,
  };
}

function situation(entries: readonly Entry[], now = 1): Situation {
  return {
    now,
    policy: threeSites(entries),
    unlisted: [],
    offered: threeSites([]).sites,
    gateways: [],
    dispatchers: ["d1"],
    over: [],
    silent: [],
  };
}

const MASK = entry({ id: "a-1", site: "a" });

test("what does the same to the same users of a site, and is in force, is there already", () => {
  const found = (entries: readonly Entry[], more: Partial<Intent> = {}, now = 1) =>
    alreadyInForce(wanted(more), situation(entries, now)).map(({ id }) => id);
  expect(found([MASK])).toEqual(["a-1"]);
  expect(found([MASK, entry({ id: "b-1", site: "b" })])).toEqual(["a-1", "b-1"]);
  expect(found([MASK, entry({ id: "c-1", site: "c" })], { sites: ["b", "c"] })).toEqual(["c-1"]);
  expect(found([MASK], { mode: "weak" })).toEqual([]);
  expect(found([entry({ ...MASK, mode: "strong" })])).toEqual([]);
  expect(found([MASK], { filter: { ...ALL, carrier: "telecom" } })).toEqual([]);
  expect(found([entry({ ...MASK, port: 443 })])).toEqual([]);
  expect(found([entry({ ...MASK, port: 443 })], { filter: { ...ALL, port: 443 } })).toEqual([
    "a-1",
  ]);
  expect(found([MASK], {}, DAY - 1)).toEqual(["a-1"]);
  expect(found([MASK], {}, DAY)).toEqual([]);
  expect(found([MASK], { overrides: ["room"] })).toEqual(["a-1"]);
  expect(found([MASK], { overrides: ["one-at-a-time"] })).toEqual([]);
});

test("telling it again leaves the policy as it is, there and back", () => {
  const { fingerprint, stages } = planOfRepeat(
    wanted({ sites: ["a"] }),
    [MASK],
    situation([MASK]),
    {
      createdAt: "2026-11-20T10:00:00.000Z",
      topology: { name: "t", hash: "0" },
      nodes: { d1: { url: "http://127.0.0.1:1", region: "east", set: "a" } },
      gates: GATES,
    },
  );
  expect(fingerprint.after).toBe(fingerprint.before);
  const [step] = stages.at(-1)!.waves.flat();
  const { epoch: _epoch, ...planned } = MASK;
  const part = { entries: [planned], classes: null, sites: null };
  expect(step).toMatchObject({ kind: "policy", before: part, after: part });
});
