import { expect, test } from "vitest";
import { inspectionText } from "../../src/lib/report/run-summary.js";
import type { OpenWork, RunInspection } from "../../src/lib/run/inspect.js";

const NOW = Date.parse("2026-01-01T00:01:05Z");
const age = (time: string) => NOW - Date.parse(time);

function open(n: number, more: Partial<OpenWork> = {}): OpenWork {
  const item = `[${n}00, ${n + 1}00)`;
  return {
    step: `s${n}`,
    kind: "sync",
    node: "sz-1",
    keyspace: "status",
    what: `wait until sz-1 has status ${item}`,
    like: "wait until sz-1 has status",
    items: [item],
    bytes: 0n,
    state: "running",
    phase: "copying",
    since: "2026-01-01T00:00:05Z",
    why: null,
    ...more,
  };
}

const takeover = (plannedMs: number, actualMs: number) => ({ step: "s1", plannedMs, actualMs });

const RUN: RunInspection = {
  change: null,
  run: "r-20260101-000000-0000",
  plan: "0123456789abcdef",
  direction: "apply",
  activity: "running",
  outcome: null,
  stage: "2-attach",
  steps: { done: 1_057, total: 12_969 },
  startedAt: "2026-01-01T00:00:00Z",
  since: "2026-01-01T00:00:00Z",
  soakUntil: null,
  stop: null,
  takeovers: [takeover(4, 12), takeover(5.5, 80), takeover(5, 30)],
  missing: {},
  policyMissing: [],
  unheard: [],
  without: [],
  next: ["ops run resume r-20260101-000000-0000", "ops shard rollback r-20260101-000000-0000"],
  holder: null,
  remaining: { leastMs: 181_000, mostMs: 299_000 },
  open: [
    ...[3, 4, 5].map((n) => open(n)),
    open(6, { state: "no-answer", phase: "accepted", why: "http://10.0.0.1: ECONNREFUSED" }),
  ],
};

test("work of a run that is under way is told in groups, with why it does not go on", () => {
  expect(inspectionText(RUN, age, { width: 80, verbose: false }).split("\n")).toEqual([
    "run r-20260101-000000-0000: applying for 1m 05s",
    "  plan   0123456789ab",
    "  steps  1,057 of 12,969 done, stage 2-attach",
    "  pauses 3 takeovers: median 30ms, longest 80ms (planned: median 5ms, longest",
    "         5.5ms)",
    "  next   ops run resume r-20260101-000000-0000",
    "    or   ops shard rollback r-20260101-000000-0000",
    "  by     nobody: its process ended without a word; resume it",
    "  time   about 3m 00s to 5m 00s left",
    "  sz-1: running (copying) for 1m 00s: s3-s5 wait until sz-1 has status: 3",
    "      segments, [300, 400) [400, 500) [500, 600)",
    "  sz-1: no-answer (accepted) for 1m 00s: s6 wait until sz-1 has status",
    "      [600, 700)",
    "      http://10.0.0.1: ECONNREFUSED",
  ]);
});

test("with --verbose each of it stands by itself", () => {
  const lines = inspectionText(RUN, age, { width: 200, verbose: true }).split("\n");
  expect(lines.filter((line) => line.startsWith("  sz-1: "))).toHaveLength(4);
});

test("agents that a run went on without are named, with what was left out and why", () => {
  const without = [{ node: "sz-gw", why: "http://10.0.0.1: ECONNREFUSED", steps: 7 }];
  const lines = inspectionText({ ...RUN, without }, age, { width: 200, verbose: false }).split(
    "\n",
  );
  expect(lines).toContain("  gone   sz-gw: 7 steps of it left out (http://10.0.0.1: ECONNREFUSED)");
});

test("a run that stopped because others wanted it says who, and what they typed", () => {
  const by = { actor: "bob@b", command: "ops region evacuate shanghai --reason fire" };
  const stop = { reason: "asked", by, step: null, error: null } as const;
  const stopped = { ...RUN, activity: "stopped", stop } as const;
  const lines = inspectionText(stopped, age, { width: 200, verbose: false }).split("\n");
  expect(lines[0]).toBe("run r-20260101-000000-0000: applying: stopped on request for 1m 05s");
  expect(lines).toContain("  why    bob@b asked: ops region evacuate shanghai --reason fire");
});
