import { describe, expect, test } from "vitest";
import { RunLog } from "../../src/lib/report/run-log.js";
import type { RunEvent, StepProgress } from "../../src/lib/run/events.js";

type StepEvent = Extract<RunEvent, { type: "step" }>;

const STAGE = { type: "stage", stage: "2-attach", title: "copy the segments" } as const;
const LINK = "link status on sz-1 from sh-1";

function link(n: number, state: StepEvent["state"], bytes = 1024n): StepEvent {
  const item = `[${n}00, ${n + 1}00)`;
  return {
    type: "step",
    stage: "2-attach",
    step: `s${n}`,
    kind: "link",
    keyspace: "status",
    what: `link status ${item} on sz-1 from sh-1`,
    like: LINK,
    items: [item],
    bytes,
    state,
  };
}

function takeover(n: number, state: StepEvent["state"]): StepEvent {
  const item = `[${n}, ${n + 1})`;
  const [what, like] = [`take over ${item}`, "take over"];
  return {
    ...link(n, state),
    kind: "takeover",
    step: `s${n}`,
    what,
    like,
    items: [item],
    bytes: 0n,
  };
}

function paused(n: number, plannedMs: number, actualMs: number): RunEvent {
  return { type: "evidence", step: `s${n}`, about: "takeover", facts: { plannedMs, actualMs } };
}

function copying(n: number, more: Partial<StepProgress>): RunEvent {
  const about = { what: `status [${n}00, ${n + 1}00) on sz-1`, like: "status on sz-1" };
  return { type: "progress", step: `s${n}`, ...about, phase: "copying", unit: "bytes", ...more };
}

/** Everything that stays, as it is told. */
function told(events: readonly RunEvent[], { verbose = false } = {}): string[] {
  const log = new RunLog({ verbose });
  const lines = [...events.flatMap((event) => log.take(event).lines), ...log.rest()];
  return lines.map(({ kind, text }) => (kind === "warning" ? `warning: ${text}` : text));
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("steps that say the same", () => {
  const entered = { ...STAGE, state: "entered", left: { [LINK]: 128 } } as const;
  const wave = (from: number, to: number): RunEvent[] => [
    ...range(from, to).map((n) => link(n, "begun")),
    ...range(from, to)
      .toReversed()
      .map((n) => link(n, "done")),
  ];

  test("are told once all of the stage's are done, in however many waves", () => {
    const log = new RunLog({ verbose: false });
    const lines = (events: readonly RunEvent[]) =>
      events.flatMap((event) => log.take(event).lines.map(({ text }) => text));
    expect(lines([entered, ...wave(10, 137 - 64)])).toEqual(["stage 2-attach: copy the segments"]);
    expect(lines(wave(138 - 64, 137))).toEqual([
      "  s10-s137 link status on sz-1 from sh-1: 128 segments, 128 KiB, [1000, 1100) [1100, 1200) [1200, 1300) [1300, 1400) [1400, 1500) [1500, 1600) [1600, 1700) and 121 more",
    ]);
    expect(lines([{ ...STAGE, state: "done" }])).toEqual([]);
  });

  test("are told in part when the run stops: how many are done", () => {
    const stopped = { type: "stopped", reason: "signal", step: null, error: null } as const;
    const begun = range(10, 14).map((n) => link(n, "begun"));
    expect(told([entered, ...begun, link(12, "done"), stopped])).toEqual([
      "stage 2-attach: copy the segments",
      "  s12 link status on sz-1 from sh-1: 1 of 128 segments, 1.0 KiB, [1200, 1300)",
    ]);
  });

  test("stand one by one where every step is asked for, and where there is one", () => {
    const left = { [LINK]: 2 };
    const events = [{ ...entered, left }, ...wave(8, 9)];
    expect(told(events, { verbose: true }).slice(1)).toEqual([
      "  s9 link status [900, 1000) on sz-1 from sh-1: 1.0 KiB",
      "  s8 link status [800, 900) on sz-1 from sh-1: 1.0 KiB",
    ]);
    expect(told([{ ...entered, left: { [LINK]: 1 } }, ...wave(8, 8)]).slice(1)).toEqual([
      "  s8 link status [800, 900) on sz-1 from sh-1: 1.0 KiB",
    ]);
  });

  test("that are undone say so, under a heading that says so", () => {
    const run = { type: "run", run: "r-1", doing: "rollback", plan: "abc" } as const;
    const undone = range(7, 8).flatMap((n) => [link(n, "begun", 0n), link(n, "undone", 0n)]);
    expect(told([run, { ...entered, left: { [LINK]: 2 } }, ...undone])).toEqual([
      "rollback r-1",
      "undo stage 2-attach: copy the segments",
      "  s7-s8 undone: link status on sz-1 from sh-1: 2 segments, [700, 800) [800, 900)",
    ]);
  });

  test("a stage in which nothing happens is not told", () => {
    expect(
      told([
        { ...entered, left: {} },
        { ...STAGE, state: "undone" },
      ]),
    ).toEqual([]);
  });
});

describe("takeovers", () => {
  const entered = { ...STAGE, state: "entered" } as const;

  test("of one slice say how long the writes were paused, and how long was planned", () => {
    const events = [takeover(28, "begun"), paused(28, 14.3, 55.8), takeover(28, "done")];
    expect(told([{ ...entered, left: { "take over": 1 } }, ...events]).slice(1)).toEqual([
      "  s28 take over [28, 29); writes paused 56ms (planned 14ms)",
    ]);
  });

  test("of many slices say how often, the median and the longest", () => {
    const slices = [9, 30, 6].flatMap((ms, i) => [
      takeover(30 + i * 2, "begun"),
      paused(30 + i * 2, ms / 3, ms),
      takeover(30 + i * 2, "done"),
    ]);
    expect(told([{ ...entered, left: { "take over": 3 } }, ...slices]).slice(1)).toEqual([
      "  s30, s32, s34 take over: 3 segments, [30, 31) [32, 33) [34, 35); " +
        "writes paused 3 times, median 9ms, longest 30ms (planned median 3ms, longest 10ms)",
    ]);
  });
});

describe("gates", () => {
  const gate = (n: number, state: StepEvent["state"]): StepEvent => ({
    ...takeover(n, state),
    kind: "gate",
    like: "watch the reads of new copies for 30s",
    items: [`status on sz-${n}`],
  });
  const judged = (n: number, seconds: number, quiet: boolean): RunEvent => ({
    type: "evidence",
    step: `s${n}`,
    about: "gate",
    facts: { node: `sz-${n}`, seconds, quiet },
  });

  test("that had too few reads in the end are a warning, one for all of them", () => {
    const left = { "watch the reads of new copies for 30s": 2 };
    const events: RunEvent[] = [
      { ...STAGE, state: "entered", left },
      ...[1, 2].flatMap((n) => [gate(n, "begun"), judged(n, 30, true)]),
      judged(1, 60, false),
      judged(2, 90, true),
      ...[1, 2].map((n) => gate(n, "done")),
    ];
    expect(told(events).slice(1)).toEqual([
      "warning: s1-s2 watch the reads of new copies for 30s: 2 copies, status on sz-1, status on sz-2; " +
        "too few reads in 1m 30s to judge by: sz-2",
    ]);
  });
});

describe("progress", () => {
  const entered = { ...STAGE, state: "entered", left: { [LINK]: 3 } } as const;

  test("of like steps is told as one: sums, the largest lag, what is furthest behind", () => {
    const log = new RunLog({ verbose: false });
    for (const event of [entered, ...[1, 2, 3].map((n) => link(n, "begun"))]) log.take(event);
    log.take(copying(1, { done: 100, total: 100, rate: 50, lagMs: 5 }));
    log.take(link(1, "done"));
    log.take(copying(2, { done: 60, total: 100, rate: 20, lagMs: 40, inStateMs: 9_000 }));
    const throttled = "rate limit";
    const last = copying(3, { done: 20, total: 200, rate: 10, inStateMs: 4_000, throttled });
    expect(log.take(last).progress).toEqual({
      what: "status on sz-1",
      steps: { done: 1, of: "3 segments" },
      phase: "copying",
      unit: "bytes",
      done: 180,
      total: 400,
      rate: 30,
      etaMs: (220 / 30) * 1000,
      lagMs: 40,
      inStateMs: 4_000,
      throttled,
      isMinor: false,
    });
  });

  test("of a single step is told as it is", () => {
    const log = new RunLog({ verbose: false });
    for (const event of [{ ...entered, left: { [LINK]: 1 } }, link(1, "begun")]) log.take(event);
    const { progress } = log.take(copying(1, { done: 1, etaMs: 70 }));
    const what = "status [100, 200) on sz-1";
    expect(progress).toEqual({
      what,
      phase: "copying",
      unit: "bytes",
      done: 1,
      etaMs: 70,
      isMinor: false,
    });
  });

  test("of many groups at once is told as one", () => {
    const log = new RunLog({ verbose: true });
    log.take(entered);
    const all = range(1, 7).map((n) => {
      log.take(link(n, "begun"));
      return log.take(copying(n, { done: n, total: 10 })).progress!;
    });
    expect(all.slice(0, 4).map(({ what }) => what)).toEqual(
      range(1, 4).map((n) => `status [${n}00, ${n + 1}00) on sz-1`),
    );
    expect(all.at(-1)).toMatchObject({ what: "status on sz-1 and 6 more", done: 28, total: 70 });
  });
});

describe("what many steps wait for", () => {
  const error = {
    code: "unreachable",
    message: "sz-1 gave no answer",
    outcome: "none",
    hint: null,
  } as const;
  const retry = (step: string, leftMs: number | null): RunEvent => ({
    type: "retry",
    step,
    node: "sz-1",
    error,
    inMs: 400,
    leftMs,
  });
  const waiting = (step: string, leftMs: number): RunEvent => ({
    type: "waiting",
    step,
    node: "sz-1",
    message: "sz-1 does not answer",
    leftMs,
  });
  const answered = (step: string): RunEvent => ({ type: "answered", step, node: "sz-1" });

  test("is told once, again with the time that is left, and when it is over", () => {
    const events = [
      retry("s1", 59_800),
      retry("s2", 59_790),
      waiting("s1", 49_800),
      waiting("s2", 49_790),
      answered("s1"),
      answered("s2"),
      retry("s3", 59_700),
    ];
    expect(told(events)).toEqual([
      "warning: sz-1 gave no answer; waiting for it for up to 1m 00s",
      "warning: sz-1 does not answer; waiting, 50s left",
      "sz-1 answers again",
      "warning: sz-1 gave no answer; waiting for it for up to 1m 00s",
    ]);
  });

  test("is told each time where tries are counted", () => {
    expect(told([retry("s1", null), retry("s1", null)])).toEqual([
      "warning: sz-1 gave no answer; again in 400ms",
      "warning: sz-1 gave no answer; again in 400ms",
    ]);
  });
});

test("agents without the routes are named once, and so is that they have them", () => {
  const routes = (version: number, ...missing: string[]): RunEvent => ({
    type: "routes",
    keyspace: "status",
    version,
    missing,
  });
  expect(told([routes(1), routes(2, "sz-1"), routes(3, "sz-1"), routes(4)])).toEqual([
    "warning: version 2 of the routes of status is not acknowledged by sz-1; redirects keep their clients right",
    "every agent has the routes of status",
  ]);
});

test("how long a run goes on is told in words; that it is not known any more, too", () => {
  const log = new RunLog({ verbose: false });
  const left = (leastMs: number | null, mostMs: number | null) =>
    log.take({ type: "remaining", leastMs, mostMs }).left;
  expect(left(170_000, 290_000)).toBe("about 3m 00s to 5m 00s left");
  expect(left(null, null)).toBeNull();
});
