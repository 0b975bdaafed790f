import fc from "fast-check";
import { expect } from "vitest";
import type { Engine, StoredEntry, Txn } from "../../src/lib/engines/contract.js";
import { isAfter, startOfChanges } from "../../src/lib/engines/log-position.js";
import { keyOf, placeOf, positionOf } from "../../src/lib/engines/place.js";
import type { LogPosition } from "../../src/lib/ownership/types.js";
import type { Bench } from "./conformance.js";

const KEYSPACE = "profile";
const DOMAIN = { lo: 0n, hi: 32n };
const READ = { records: 1_000, bytes: 1 << 20 };

interface ModelEntry {
  lo: bigint;
  hi: bigint;
  role: "primary" | "follower";
  generation: bigint;
  cursor: LogPosition | null;
  floor: LogPosition;
}

interface ModelRecord {
  sequence: bigint;
  at: LogPosition;
  position: bigint;
  value: string | null;
}

/** The store as maps and lists. A work changes a copy of it. */
interface Model {
  rows: Map<bigint, string>;
  entries: ModelEntry[];
  log: ModelRecord[];
  last: bigint;
}

type Step =
  | { kind: "change"; position: bigint; value: string | null; ahead: bigint }
  | { kind: "split"; at: bigint }
  | { kind: "reign"; position: bigint; role: "primary" | "follower" }
  | { kind: "wipe"; lo: bigint; hi: bigint }
  | { kind: "copy"; position: bigint; value: string };

type Command =
  | { kind: "work"; steps: Step[]; fails: boolean }
  | { kind: "trim"; through: bigint; max: number }
  | { kind: "reopen" };

const position = fc.bigInt({ min: DOMAIN.lo, max: DOMAIN.hi - 1n });
const value = fc.string({ maxLength: 4, unit: "grapheme" });
const change = fc.record({
  kind: fc.constant("change" as const),
  position,
  value: fc.option(value),
  ahead: fc.constantFrom(1n, 2n, 50n),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: change, weight: 6 },
  fc.record({ kind: fc.constant("split" as const), at: position }),
  fc.record({
    kind: fc.constant("reign" as const),
    position,
    role: fc.constantFrom("primary", "follower"),
  }),
  fc
    .uniqueArray(position, { minLength: 2, maxLength: 2 })
    .map(([a = 0n, b = 1n]) => ({ kind: "wipe" as const, lo: a < b ? a : b, hi: a < b ? b : a })),
  fc.record({ kind: fc.constant("copy" as const), position, value }),
);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant("work" as const),
      steps: fc.array(step, { maxLength: 6 }),
      fails: fc.boolean().map((fails) => fails),
    }),
    weight: 8,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant("trim" as const),
      through: fc.bigInt({ min: 0n, max: 60n }),
      max: fc.integer({ min: 1, max: 20 }),
    }),
    weight: 2,
  },
  fc.constant({ kind: "reopen" as const }),
);

/** Works go in together until something else comes, so that they share transactions. */
export function modelProperty(make: () => Promise<Bench>) {
  return fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
    const bench = await make();
    let engine = await bench.open();
    try {
      const origin = { generation: 0n, index: 0n };
      let model: Model = {
        rows: new Map(),
        entries: [{ ...DOMAIN, role: "primary", generation: 1n, cursor: null, floor: origin }],
        log: [],
        last: 0n,
      };
      await engine.write((txn) =>
        txn.putEntry({
          keyspace: KEYSPACE,
          ...DOMAIN,
          ownership: { role: "primary", generation: 1n, handed: null },
          link: null,
          floor: origin,
          reigns: [],
        }),
      );
      let pending: Promise<unknown>[] = [];
      for (const each of commands) {
        if (each.kind === "work") {
          pending.push(engine.write((txn) => runWork(txn, each)).catch(expectPlanned));
          if (!each.fails) model = workOn(model, each.steps);
          continue;
        }
        await Promise.all(pending);
        pending = [];
        if (each.kind === "trim") {
          const trimmed = trimOn(model, each);
          expect(await engine.trim(each.through, each.max)).toBe(
            model.log.length - trimmed.log.length,
          );
          model = trimmed;
        } else {
          await engine.close();
          engine = await bench.open();
        }
        compare(engine, model);
      }
      await Promise.all(pending);
      compare(engine, model);
    } finally {
      await engine.close();
      await bench.remove();
    }
  });
}

const PLANNED = new Error("planned");

function expectPlanned(error: unknown): void {
  if (error !== PLANNED) throw error;
}

function runWork(txn: Txn, { steps, fails }: { steps: Step[]; fails: boolean }): void {
  for (const each of steps) {
    switch (each.kind) {
      case "change": {
        const entry = mustHold(txn, each.position);
        const at =
          entry.ownership.role === "primary"
            ? null
            : nextFrom(txn.cursor(KEYSPACE, entry.lo), entry.ownership.generation, each.ahead);
        const value = each.value === null ? null : Buffer.from(each.value);
        txn.change(
          { keyspace: KEYSPACE, place: placeOf(each.position, `${each.position}`), value },
          at,
        );
        break;
      }
      case "split":
        txn.splitEntry(KEYSPACE, each.at);
        break;
      case "reign": {
        const entry = mustHold(txn, each.position);
        const generation = entry.ownership.generation + 1n;
        const ownership =
          each.role === "primary"
            ? ({ role: "primary", generation, handed: null } as const)
            : ({ role: "follower", source: "n2", generation, handed: null } as const);
        txn.putEntry({ ...entry, ownership });
        break;
      }
      case "wipe":
        while (txn.wipe(KEYSPACE, each, 3) === 3);
        break;
      case "copy":
        txn.putRow(KEYSPACE, placeOf(each.position, `${each.position}`), Buffer.from(each.value));
        break;
    }
  }
  if (fails) throw PLANNED;
}

function workOn(before: Model, steps: Step[]): Model {
  const model: Model = {
    rows: new Map(before.rows),
    entries: before.entries.map((entry) => ({ ...entry })),
    log: [...before.log],
    last: before.last,
  };
  const holding = (at: bigint): ModelEntry => {
    const entry = model.entries.find(({ lo, hi }) => at >= lo && at < hi);
    if (entry === undefined) throw new Error("the model lost an entry");
    return entry;
  };
  for (const each of steps) {
    switch (each.kind) {
      case "change": {
        const entry = holding(each.position);
        model.last += 1n;
        const at =
          entry.role === "primary"
            ? { generation: entry.generation, index: model.last }
            : nextFrom(entry.cursor, entry.generation, each.ahead);
        entry.cursor = at;
        model.log.push({ sequence: model.last, at, position: each.position, value: each.value });
        if (each.value === null) model.rows.delete(each.position);
        else model.rows.set(each.position, each.value);
        break;
      }
      case "split": {
        const entry = holding(each.at);
        if (entry.lo === each.at) break;
        model.entries.push({ ...entry, lo: each.at });
        entry.hi = each.at;
        break;
      }
      case "reign": {
        const entry = holding(each.position);
        entry.generation += 1n;
        entry.role = each.role;
        break;
      }
      case "wipe":
        for (const at of model.rows.keys())
          if (at >= each.lo && at < each.hi) model.rows.delete(at);
        break;
      case "copy":
        model.rows.set(each.position, each.value);
        break;
    }
  }
  return model;
}

function trimOn(before: Model, { through, max }: { through: bigint; max: number }): Model {
  const gone = before.log.filter(({ sequence }) => sequence <= through).slice(0, max);
  const entries = before.entries.map((entry) => {
    const lost = gone.findLast(
      (record) => record.position >= entry.lo && record.position < entry.hi,
    );
    return { ...entry, floor: lost?.at ?? entry.floor };
  });
  return { ...before, entries, log: before.log.slice(gone.length) };
}

/** What a primary elsewhere would give its next change. */
function nextFrom(cursor: LogPosition | null, generation: bigint, ahead: bigint): LogPosition {
  return { generation, index: (cursor?.generation === generation ? cursor.index : 0n) + ahead };
}

function mustHold(txn: Txn, at: bigint): StoredEntry {
  const entry = txn.entryAt(KEYSPACE, at);
  if (entry === null) throw new Error(`no entry at ${at}`);
  return entry;
}

function compare(engine: Engine, model: Model): void {
  const sorted = model.entries.toSorted((a, b) => Number(a.lo - b.lo));
  const stored = engine.entries();
  expect(
    stored.map(({ lo, hi, ownership, floor }) => ({
      lo,
      hi,
      role: ownership.role,
      generation: ownership.generation,
      cursor: engine.cursor(KEYSPACE, lo),
      floor,
    })),
  ).toEqual(sorted);
  const view = engine.read();
  try {
    expect(view.entries()).toEqual(stored);
    const { rows } = view.scan(KEYSPACE, DOMAIN, null, { rows: 1_000, bytes: 1 << 20 });
    expect(rows.map((row) => [positionOf(row.place), row.value.toString()])).toEqual(
      [...model.rows].sort(([a], [b]) => Number(a - b)),
    );
    expect(rows.every((row) => keyOf(row.place) === `${positionOf(row.place)}`)).toBe(true);
    const { changes } = view.changes(0n, null, READ);
    expect(
      changes.map(({ sequence, at, place, value: stored }) => ({
        sequence,
        at,
        position: positionOf(place),
        value: stored?.toString() ?? null,
      })),
    ).toEqual(model.log);
    expect(engine.log()).toMatchObject({
      first: model.log[0]?.sequence ?? model.last + 1n,
      last: model.last,
    });
    for (const entry of stored) {
      const own = model.log.filter(
        (record) => record.position >= entry.lo && record.position < entry.hi,
      );
      for (const from of [entry.floor, ...own.map((record) => record.at)]) {
        const start = startOfChanges(entry, from);
        if (start === null) throw new Error("the log of an entry does not reach back to its floor");
        const found = view
          .changes(start, { keyspace: KEYSPACE, segment: entry }, READ)
          .changes.filter((each) => isAfter(each.at, from));
        expect(found.map((each) => each.sequence)).toEqual(
          own.filter((record) => isAfter(record.at, from)).map((record) => record.sequence),
        );
      }
    }
  } finally {
    view.close();
  }
}
