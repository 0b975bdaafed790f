import { describe, expect, test } from "vitest";
import { factsOf, isWell } from "../../src/lib/demo/facts.js";
import { demoTable } from "../../src/lib/report/demo.js";

const WIDTH = 80;

const expansion = {
  facts: {
    acked: 641_203,
    checked: 641_203,
    lost: 0,
    resurrected: 0,
    rowsMoved: 600_000,
    rowsPerSecond: 251_000,
    takeovers: [
      { plannedMs: 4, actualMs: 3.25 },
      { plannedMs: 6, actualMs: 12.6 },
    ],
    rollbacks: 1,
    kills: 1,
    nearReads: 0.667,
    seconds: 48.2,
  },
  details: {
    users: 200_000,
    replicaKeys: 600_000,
    unknown: 2,
    failures: 0,
    lastFailure: "",
    redirects: 17,
    fencesWaited: 40,
    longestFenceMs: 13.4,
    convergence: { agents: 7, current: 7, version: 14 },
    wrong: [],
  },
} as const;

const evacuation = {
  facts: {
    sessions: 6_000,
    moved: 2_017,
    failedLogins: 3,
    strandedForEver: 0,
    peakLoginRate: 140,
    loginLimit: 140,
    seconds: 10.8,
    boundSeconds: 7.2,
  },
  details: {
    site: "sh-1-a",
    loss: 0.0214,
    told: 1_056,
    refused: 640,
    msWithout: 1_234_567,
    longestMsWithout: 4_250,
    peaks: [
      { site: "sh-1-a", peak: 136, limit: 140 },
      { site: "sz-1-a", peak: 140, limit: 140 },
    ],
    restored: 2_017,
    restoreSeconds: 21.5,
    restoreBoundSeconds: 14.3,
    seconds: 58.4,
    wrong: [],
  },
} as const;

const EXPANSION_TEXT = `Expansion
  users                     200,000
  rows moved                600,000, 251,000 rows/s a copy
  write pause, planned      median 4ms, longest 6ms, 2 takeovers
  write pause, actual       median 3.3ms, longest 13ms, 2 takeovers
  longest wait of a client  13ms (40 writes met a pause)
  rollbacks, agents killed  1, 1
  acknowledged writes       641,203, 641,203 checked at their writers
  keys checked at replicas  600,000
  lost                      0
  resurrected               0
  unknown outcome, failed   2, 0
  route convergence         7 of 7 agents have version 14
  redirects followed        17
  near reads                66.7 %
  seconds                   48.2`;

const EVACUATION_TEXT = `Evacuation
  sessions                  6,000
  loss at which it is left  2.1 % of the heartbeats at sh-1-a
  moved                     2,017: 1,056 were told, 961 came by themselves when
                            its gateway was killed
  time to move them         11s, no pace takes less than 7.2s (1.50)
  most logins in a second   sh-1-a 136 of 140, sz-1-a 140 of 140
  logins failed, put off    3, 640
  without a session         4.3s at the most, 20m 35s of all users together
  stranded for ever         0
  restored                  2,017
  time to restore them      22s, no pace takes less than 14s (1.50)
  seconds                   58.4`;

describe("the demo's table", () => {
  test.each([
    ["of both scenarios", { expansion, evacuation }, `${EXPANSION_TEXT}\n${EVACUATION_TEXT}`],
    ["of one", { expansion }, EXPANSION_TEXT],
    ["of the other", { evacuation }, EVACUATION_TEXT],
  ])("says everything that its claim rests on, %s", (_, result, text) => {
    expect(demoTable(result, WIDTH)).toBe(text);
    expect(isWell(result)).toBe(true);
  });

  test("names what is wrong, and the demo has failed", () => {
    const lost = {
      facts: { ...expansion.facts, lost: 1 },
      details: {
        ...expansion.details,
        wrong: ["12/avatar: lost, found write 3"],
        failures: 1,
        lastFailure: "no answer",
      },
    };
    const stranded = {
      ...evacuation,
      details: { ...evacuation.details, wrong: ["3 users found no session again"] },
    };
    const table = demoTable({ expansion: lost, evacuation: stranded }, WIDTH);
    expect(table.split("\n").slice(-5).join("\n")).toBe(`The last failure: no answer

Wrong:
  12/avatar: lost, found write 3
  3 users found no session again`);
    expect(isWell({ expansion: lost })).toBe(false);
    expect(isWell({ evacuation: stranded })).toBe(false);
  });
});

test("an acknowledged write that was not checked is a failure", () => {
  const facts = { ...expansion.facts, checked: expansion.facts.acked - 1 };
  expect(isWell({ expansion: { ...expansion, facts } })).toBe(false);
});

test("as JSON the facts are one object, with those of the evacuation in a member of their own", () => {
  expect(factsOf({ expansion, evacuation })).toEqual({
    v: 1,
    ...expansion.facts,
    evacuation: evacuation.facts,
  });
  expect(factsOf({ expansion })).toEqual({ v: 1, ...expansion.facts });
  expect(factsOf({ evacuation })).toEqual({ v: 1, evacuation: evacuation.facts });
});
