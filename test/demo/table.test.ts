import { expect, test } from "vitest";
import { demoTable } from "../../src/lib/report/demo.js";

const facts = {
  v: 1,
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
} as const;

const details = {
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
};

test("the demo's table says everything that its claim rests on", () => {
  expect(demoTable({ facts, details })).toBe(`users                     200,000
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
seconds                   48.2`);
});

test("what is wrong is named", () => {
  const wrong = ["12/avatar: lost, found write 3"];
  const table = demoTable({
    facts: { ...facts, lost: 1 },
    details: { ...details, wrong, failures: 1, lastFailure: "no answer" },
  });
  expect(
    table.endsWith("The last failure: no answer\n\nWrong:\n  12/avatar: lost, found write 3"),
  ).toBe(true);
});
