import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { observedFromTopology } from "../../src/lib/plan/observed.js";
import type { ShardPlan, ShardStep } from "../../src/lib/plan/types.js";
import type { RunContext } from "../../src/lib/run/context.js";
import { remainingOf } from "../../src/lib/run/eta/from-journal.js";
import { remaining } from "../../src/lib/run/eta/remaining.js";
import type { Live, Seen } from "../../src/lib/run/eta/seen.js";
import { tellingRemaining } from "../../src/lib/run/eta/tracker.js";
import type { RunEvent, StepProgress } from "../../src/lib/run/events.js";
import { replay } from "../../src/lib/run/journal/next-status.js";
import type { JournalRecord, RecordBody } from "../../src/lib/run/journal/records.js";
import { planFor, POLICY, rangeKeyspace, shard, topologyOf } from "../plan/cluster.js";

const GB = 1_000_000_000;

/** Two copies of 6 GB, one after the other, at 20 MB/s at most: 5 minutes each. */
function planOf(basis: "measured" | "unknown"): ShardPlan {
  const before = topologyOf([rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sh-1-d1")])]);
  const after = topologyOf(
    [rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sh-1-d1", "sz-1-d1", "tj-1-d1")])],
    { ...POLICY, concurrency: { perNode: 1, total: 1 } },
  );
  const observed = observedFromTopology(before);
  if (basis === "unknown") return planFor(after, observed);
  const histogram = [{ lo: 0n, hi: 1000n, rows: 1000n, bytes: BigInt(6 * GB) }];
  const keyspaces = observed.keyspaces.map((keyspace) => ({ ...keyspace, histogram }));
  return planFor(after, { ...observed, basis, keyspaces });
}

const PLAN = planOf("measured");
const STEPS = PLAN.stages.flatMap(({ waves }) => waves.flat());
const ATTACH = PLAN.stages.filter(({ kind }) => kind === "attach");
const [FIRST, SECOND] = ATTACH.flatMap(({ waves }) => waves.flat())
  .filter(({ kind }) => kind === "sync")
  .map(({ id }) => id) as [string, string];
const LINKS = ATTACH.flatMap(({ waves }) => waves.flat()).filter(({ kind }) => kind === "link");

function seen(more: {
  readonly done?: Readonly<Record<string, number | null>>;
  readonly begun?: Readonly<Record<string, number>>;
  readonly live?: Readonly<Record<string, Live>>;
}): Seen {
  const { done = {}, begun = {}, live = {} } = more;
  const all = { [LINKS[0]!.id]: 10, ...done };
  return {
    done: new Map(Object.entries(all)),
    begun: new Map(Object.entries(begun)),
    live: new Map(Object.entries(live)),
  };
}

/** Of the copies alone, in seconds. */
function copySeconds(one: Seen): [number, number] | null {
  const span = remaining(PLAN, ATTACH, one);
  return span && [Math.round(span.leastMs / 1000), Math.round(span.mostMs / 1000)];
}

describe("how long a run goes on", () => {
  test("is what was planned while nothing is measured; of the soak nothing", () => {
    const span = remaining(PLAN, PLAN.stages, seen({ done: { [LINKS[0]!.id]: null } }))!;
    const soak = PLAN.stages.find(({ kind }) => kind === "soak")!.estimate.seconds;
    const { seconds, mostSeconds } = PLAN.estimate;
    expect(soak).toBe(600);
    expect(span.leastMs / 1000).toBeCloseTo(seconds - soak, 0);
    expect(span.mostMs / 1000).toBeCloseTo(mostSeconds - soak, 0);
    expect(copySeconds(seen({ begun: { [FIRST]: 100_000 } }))).toEqual([500, 500]);
  });

  test("follows the rate of the copies: since they began, and of late", () => {
    // A third of the first in 4 minutes, and 20 MB/s now: what is left takes 200 s, or 480 s.
    const third = { done: 2 * GB, total: 6 * GB, rate: 20_000_000 };
    const slow = seen({ begun: { [FIRST]: 240_000 }, live: { [FIRST]: third } });
    expect(copySeconds(slow)).toEqual([200 + 300, 480 + 720]);
    const steady = seen({
      begun: { [FIRST]: 200_000 },
      live: { [FIRST]: { ...third, rate: 10_000_000 } },
    });
    expect(copySeconds(steady)).toEqual([400 + 600, 400 + 600]);
    // What is done tells of what is to come.
    expect(copySeconds(seen({ done: { [FIRST]: 600_000 } }))).toEqual([600, 600]);
    expect(copySeconds(seen({ done: { [FIRST]: null } }))).toEqual([300, 300]);
    expect(copySeconds(seen({ done: { [FIRST]: 1, [SECOND]: 1, [LINKS[1]!.id]: 1 } }))).toEqual([
      0, 0,
    ]);
  });

  test("is not known of what stands still, nor where nobody knows how much there is", () => {
    const stuck = { done: 2 * GB, total: 6 * GB, rate: 0 };
    expect(copySeconds(seen({ begun: { [FIRST]: 1000 }, live: { [FIRST]: stuck } }))).toBeNull();
    const unknown = { done: 2 * GB, total: null, rate: null };
    expect(copySeconds(seen({ live: { [FIRST]: unknown } }))).toBeNull();
    const blind = planOf("unknown");
    expect(remaining(blind, blind.stages, seen({}))).toBeNull();
    const copied = seen({ done: { [FIRST]: 1000, [SECOND]: 1000 } });
    expect(remaining(blind, blind.stages, copied)).not.toBeNull();
  });

  test("of a gate is a window less the time that it has watched, or up to three", () => {
    const stages = PLAN.stages.filter(({ id }) => id.endsWith("promote-reads-100"));
    const steps = stages.flatMap(({ waves }) => waves.flat());
    const done = Object.fromEntries(
      steps.filter(({ kind }) => kind === "readers").map(({ id }) => [id, 5]),
    );
    const gates = steps.filter(({ kind }) => kind === "gate").map(({ id }) => id);
    const at = (ms: number) => Object.fromEntries(gates.map((gate) => [gate, ms]));
    const span = (ms: number) => {
      const { leastMs, mostMs } = remaining(PLAN, stages, seen({ done, begun: at(ms) }))!;
      return [Math.round(leastMs / 1000), Math.round(mostMs / 1000)];
    };
    expect(span(0)).toEqual([30, 90]);
    expect(span(20_000)).toEqual([10, 70]);
    expect(span(50_000)).toEqual([0, 40]);
  });

  test("is finite, whatever is said", () => {
    const numbers = fc.oneof(
      fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER),
      fc.double({ min: 0, max: 1e12, noNaN: true }),
    );
    const maybe = fc.option(numbers, { nil: null });
    const steps = fc.record({
      done: maybe,
      begun: maybe,
      live: fc.option(fc.record({ done: numbers, total: maybe, rate: maybe }), { nil: null }),
      isDone: fc.boolean(),
    });
    const list = fc.array(steps, { minLength: STEPS.length, maxLength: STEPS.length });
    fc.assert(
      fc.property(list, fc.constantFrom(PLAN, planOf("unknown")), (said, plan) => {
        const of = <T>(pick: (one: (typeof said)[number]) => T | null | undefined) =>
          new Map(
            STEPS.flatMap(({ id }, i): [string, T][] => {
              const value = pick(said[i]!);
              return value === null || value === undefined ? [] : [[id, value]];
            }),
          );
        const span = remaining(plan, plan.stages, {
          done: new Map(
            STEPS.flatMap(({ id }, i) => (said[i]!.isDone ? [[id, said[i]!.done]] : [])),
          ),
          begun: of(({ begun }) => begun),
          live: of(({ live }) => live),
        });
        if (span === null) return;
        expect(Number.isFinite(span.mostMs)).toBe(true);
        expect(span.leastMs).toBeGreaterThanOrEqual(0);
        expect(span.mostMs).toBeGreaterThanOrEqual(span.leastMs - 1e-3);
      }),
      { numRuns: 300 },
    );
  });
});

/** Events of a run by a clock that stands still between them, and what is said of the time that is left. */
function told(events: readonly (readonly [ms: number, event: RunEvent])[]) {
  let now = 0;
  const out: { at: number; leastMs: number | null; mostMs: number | null }[] = [];
  const emit = (event: RunEvent) => {
    if (event.type === "remaining") out.push({ at: now, ...event });
  };
  const context = { clock: { now: () => now }, emit } as unknown as RunContext;
  const telling = tellingRemaining(context, PLAN, ATTACH, (step) => step === LINKS[0]!.id);
  for (const [ms, event] of events) {
    now = ms;
    telling.emit(event);
  }
  return out;
}

function begun(id: string): RunEvent {
  const step = STEPS.find((one) => one.id === id)!;
  const said = { what: "", like: "", items: [], keyspace: "profile", bytes: 0n };
  return { type: "step", stage: ATTACH[0]!.id, step: id, kind: step.kind, state: "begun", ...said };
}

function copying(done: number, more: Partial<StepProgress> = {}): RunEvent {
  const about = { what: "", like: "", phase: "copying", unit: "bytes" } as const;
  return { type: "progress", step: FIRST, ...about, done, total: 6 * GB, ...more };
}

test("during a run it is said when a stage begins and every five seconds, from rates over some seconds", () => {
  const { id: stage, title } = ATTACH[0]!;
  const out = told([
    [0, { type: "stage", stage, title, state: "entered", left: {} }],
    [0, begun(FIRST)],
    [1_000, copying(10_000_000, { rate: 10_000_000 })],
    [6_000, copying(60_000_000, { rate: 0 })],
    [7_000, copying(70_000_000, { rate: 0 })],
    [12_000, copying(120_000_000, { rate: 10_000_000 })],
    ...[20, 30, 40].map((s): [number, RunEvent] => [s * 1000, copying(120_000_000, { rate: 0 })]),
  ]);
  const seconds = out.map(({ at, leastMs, mostMs }) => [
    at / 1000,
    leastMs && Math.round(leastMs / 1000),
    mostMs && Math.round(mostMs / 1000),
  ]);
  expect(seconds.map(([at]) => at)).toEqual([0, 6, 12, 20, 30, 40]);
  expect(seconds.slice(0, 3)).toEqual([
    [0, 600, 600],
    [6, 594 + 600, 594 + 600],
    [12, 588 + 600, 588 + 600],
  ]);
  // It stood still.
  expect(seconds.at(-1)).toEqual([40, null, null]);
});

test("another process knows it from the journal, and from what the agents say", () => {
  const stages = PLAN.stages.map(({ id, kind, waves }) => ({
    id,
    reversible: kind !== "retire",
    waves: waves.map((wave) => wave.map((step: ShardStep) => step.id)),
  }));
  const [preflight] = PLAN.stages;
  const bodies: [number, RecordBody][] = [
    [
      0,
      {
        type: "run.start",
        run: "r-1",
        plan: PLAN.hash,
        lineage: "l",
        stages,
        epochs: { "keyspace/profile": "1" },
        actor: "a@h",
        command: "ops shard apply plan.json",
      },
    ],
    [0, { type: "stage.enter", stage: preflight!.id }],
    ...preflight!.waves
      .flat()
      .map(({ id }): [number, RecordBody] => [1, { type: "step.done", step: id }]),
    [1, { type: "stage.done", stage: preflight!.id }],
    [2, { type: "stage.enter", stage: ATTACH[0]!.id }],
  ];
  const records = bodies.map(([s, body], i): JournalRecord => ({
    seq: i + 1,
    time: new Date(s * 1000).toISOString(),
    ...body,
    prev: "",
  }));
  const status = replay(records)!;
  const live = new Map([[FIRST, { done: 3 * GB, total: null, rate: 10_000_000 }]]);
  const slow = remainingOf(PLAN, status, records, live, 302_000)!;
  const planned = remainingOf(PLAN, status, records, new Map(), 2_000)!;
  // 3 GB left at 10 MB/s and 6 GB more, instead of 6 GB and 6 GB at 20 MB/s.
  expect((slow.leastMs - planned.leastMs) / 1000).toBeCloseTo(300 + 600 - 600, 0);
});
