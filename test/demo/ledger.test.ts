import fc from "fast-check";
import { expect, test } from "vitest";
import { Ledger } from "../../src/lib/demo/ledger.js";
import { People } from "../../src/lib/demo/people.js";

function written(ledger: Ledger, slot: number, deletes = false): number {
  const sequence = ledger.begin(slot)!;
  ledger.acknowledged(slot, sequence, deletes);
  return sequence;
}

test("the last acknowledged value is right; an older one or none is lost", () => {
  const ledger = new Ledger(4);
  written(ledger, 2);
  written(ledger, 2);
  expect(ledger.judge(2, 2)).toBe("right");
  expect(ledger.judge(2, 1)).toBe("lost");
  expect(ledger.judge(2, null)).toBe("lost");
  expect(ledger.judge(2, 3)).toBe("foreign");
});

test("a value of before an acknowledged delete is resurrected", () => {
  const ledger = new Ledger(1);
  written(ledger, 0);
  written(ledger, 0, true);
  expect(ledger.judge(0, null)).toBe("right");
  expect(ledger.judge(0, 1)).toBe("resurrected");
});

test("a key that nobody wrote has no value", () => {
  const ledger = new Ledger(1);
  expect(ledger.judge(0, null)).toBe("right");
  expect(ledger.judge(0, 1)).toBe("foreign");
});

test("a write of unknown outcome may be there or not, but nothing older than the last acknowledged one", () => {
  const ledger = new Ledger(1);
  written(ledger, 0);
  written(ledger, 0);
  ledger.undecided(0, ledger.begin(0)!, false, false);
  expect([2, 3, 1, null].map((seen) => ledger.judge(0, seen))).toEqual([
    "right",
    "right",
    "lost",
    "lost",
  ]);
  ledger.undecided(0, ledger.begin(0)!, true, false);
  expect(ledger.judge(0, null)).toBe("right");
  written(ledger, 0);
  expect([5, 3, null].map((seen) => ledger.judge(0, seen))).toEqual(["right", "lost", "lost"]);
});

test("a write that failed for certain must not be there", () => {
  const ledger = new Ledger(1);
  written(ledger, 0);
  ledger.begin(0);
  ledger.failed(0);
  expect(ledger.judge(0, 2)).toBe("foreign");
  expect(ledger.judge(0, 1)).toBe("right");
});

test("a slot has one write under way, and none once a lost request may still arrive", () => {
  const ledger = new Ledger(1);
  const sequence = ledger.begin(0)!;
  expect(ledger.begin(0)).toBeNull();
  ledger.undecided(0, sequence, false, true);
  expect(ledger.begin(0)).toBeNull();
});

test("a store that does what it acknowledges is never accused, and one that forgets a write always is", () => {
  const step = fc.record({
    slot: fc.nat(3),
    deletes: fc.boolean(),
    fate: fc.constantFrom("acked", "failed", "applied unknown", "lost unknown"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ledger = new Ledger(4);
      const store = new Map<number, number>();
      const before = new Map<number, number | undefined>();
      for (const { slot, deletes, fate } of steps) {
        const sequence = ledger.begin(slot)!;
        const applied = fate === "acked" || fate === "applied unknown";
        if (applied) before.set(slot, store.get(slot));
        if (applied && deletes) store.delete(slot);
        else if (applied) store.set(slot, sequence);
        if (fate === "acked") ledger.acknowledged(slot, sequence, deletes);
        else if (fate === "failed") ledger.failed(slot);
        else ledger.undecided(slot, sequence, deletes, false);
      }
      for (let slot = 0; slot < 4; slot += 1)
        expect(ledger.judge(slot, store.get(slot) ?? null)).toBe("right");
      const last = steps.at(-1);
      if (last?.fate !== "acked") return;
      const forgotten = before.get(last.slot) ?? null;
      if (forgotten === null && last.deletes) return;
      expect(ledger.judge(last.slot, forgotten)).not.toBe("right");
    }),
  );
});

test("a value tells its key and sequence number, and is nothing under another key or cut short", () => {
  const people = new People(100, 3);
  const value = Buffer.from(people.valueOf(7, 12));
  expect(value).toHaveLength(100);
  expect(people.sequenceIn(7, value)).toBe(12);
  expect(people.sequenceIn(8, value)).toBe(0);
  expect(people.sequenceIn(7, value.subarray(0, 50))).toBe(0);
  expect(people.slotOf(people.keyOf(299))).toBe(299);
  const sparse = new People(10, 2, 1000);
  expect([sparse.keyOf(19), sparse.slotOf("900/avatar"), sparse.slotOf("950/avatar")]).toEqual([
    "900/avatar",
    19,
    null,
  ]);
  expect(sparse.slotsIn(100n, 301n)).toEqual([2, 8]);
  expect([people.slotOf("100/profile"), people.slotOf("1/x"), people.slotOf("1")]).toEqual([
    null,
    null,
    null,
  ]);
});
