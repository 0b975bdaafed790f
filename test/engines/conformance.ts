import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Engine, StoredEntry, Txn } from "../../src/lib/engines/contract.js";
import { startOfChanges } from "../../src/lib/engines/log-position.js";
import { keyOf, placeOf, positionOf } from "../../src/lib/engines/place.js";
import { modelProperty } from "./model.js";

/** A store of its own for one test. */
export interface Bench {
  open(): Promise<Engine>;
  /** Deletes what the store left on the disk. */
  remove(): Promise<void>;
}

const END = 1n << 64n;
const ALL = { lo: 0n, hi: END };
const BIG = { rows: 10_000, bytes: 1 << 24 };

export function entryOf(lo: bigint, hi: bigint, more: Partial<StoredEntry> = {}): StoredEntry {
  return {
    keyspace: "profile",
    lo,
    hi,
    ownership: { role: "primary", generation: 1n, handed: null },
    link: null,
    floor: { generation: 1n, index: 0n },
    reigns: [],
    ...more,
  };
}

const follower = { role: "follower", source: "n2", generation: 1n, handed: null } as const;

function put(txn: Txn, position: bigint, text: string, at: [bigint, bigint] | null = null) {
  const change = {
    keyspace: "profile",
    place: placeOf(position, `${position}`),
    value: Buffer.from(text),
  };
  return txn.change(change, at === null ? null : { generation: at[0], index: at[1] });
}

/** The suite that every engine passes. `make` gives a fresh, empty store. */
export function conformance(name: string, make: () => Promise<Bench>): void {
  describe(`engine ${name}`, () => {
    let bench: Bench;
    let engine: Engine;

    beforeEach(async () => {
      bench = await make();
      engine = await bench.open();
    });

    afterEach(async () => {
      await engine.close();
      await bench.remove();
    });

    const reopen = async (): Promise<void> => {
      await engine.close();
      engine = await bench.open();
    };
    const text = (position: bigint): string | undefined =>
      engine.get("profile", placeOf(position, `${position}`))?.toString();
    const keysIn = (lo: bigint, hi: bigint): string[] => {
      const view = engine.read();
      try {
        return view.scan("profile", { lo, hi }, null, BIG).rows.map(({ place }) => keyOf(place));
      } finally {
        view.close();
      }
    };

    describe("write", () => {
      it("keeps rows, log, cursor and entries over a restart", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n)));
        const at = await engine.write((txn) => {
          put(txn, 5n, "first");
          return put(txn, 7n, "second");
        });
        expect(at).toEqual({ generation: 1n, index: 2n });
        await reopen();
        expect(text(5n)).toBe("first");
        expect(text(7n)).toBe("second");
        expect(engine.cursor("profile", 0n)).toEqual(at);
        expect(engine.entries()).toEqual([
          entryOf(0n, 100n, { reigns: [{ generation: 1n, after: 0n, own: true }] }),
        ]);
        expect(engine.log()).toMatchObject({ first: 1n, last: 2n });
      });

      it("takes a work that throws as if it had never run, and does its neighbours", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n)));
        const outcomes = await Promise.allSettled([
          engine.write((txn) => put(txn, 1n, "before")),
          engine.write((txn) => {
            put(txn, 1n, "thrown away");
            put(txn, 2n, "thrown away");
            txn.putEntry(entryOf(200n, 300n));
            txn.splitEntry("profile", 50n);
            txn.putDocument("things", "a", 1);
            txn.wipe("profile", ALL, 100);
            throw new Error("no");
          }),
          engine.write((txn) => put(txn, 3n, "after")),
        ]);
        expect(outcomes.map((each) => each.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
        await reopen();
        expect(text(1n)).toBe("before");
        expect(text(2n)).toBeUndefined();
        expect(text(3n)).toBe("after");
        expect(engine.entries()).toHaveLength(1);
        expect(engine.document("things", "a")).toBeNull();
        expect(engine.log().last).toBe(2n);
        expect(engine.cursor("profile", 0n)).toEqual({ generation: 1n, index: 2n });
      });

      it("shows a work what those before it in the queue did", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n)));
        const place = placeOf(1n, "1");
        const [, seen, gone] = await Promise.all([
          engine.write((txn) => {
            put(txn, 1n, "x");
            txn.putDocument("things", "a", { n: 1n });
          }),
          engine.write((txn) => {
            const found = txn.getRow("profile", place)?.toString();
            const documents = txn.documents("things");
            txn.deleteRow("profile", place);
            txn.deleteDocument("things", "a");
            return { found, documents };
          }),
          engine.write((txn) => [txn.getRow("profile", place), txn.document("things", "a")]),
        ]);
        expect(seen).toEqual({ found: "x", documents: [{ id: "a", value: { n: 1n } }] });
        expect(gone).toEqual([null, null]);
      });

      it("is visible everywhere once its promise has resolved", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n)));
        for (let i = 0; i < 20; i += 1) {
          engine.get("profile", placeOf(1n, "1"));
          await engine.write((txn) => put(txn, 1n, `${i}`));
          expect(text(1n)).toBe(`${i}`);
          const view = engine.read();
          expect(view.lastSequence).toBe(BigInt(i + 1));
          expect(view.get("profile", placeOf(1n, "1"))?.toString()).toBe(`${i}`);
          view.close();
        }
      });

      it("is settled once the works that have run are flushed, also while others wait", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n)));
        const ran: number[] = [];
        const works = Array.from({ length: 50 }, (_, i) =>
          engine.write((txn) => {
            put(txn, BigInt(i), "x");
            ran.push(i);
          }),
        );
        while (ran.length === 0) await new Promise((resolve) => setImmediate(resolve));
        const had = [...ran];
        await engine.settled();
        for (const i of had) {
          expect(engine.get("profile", placeOf(BigInt(i), `${i}`))?.toString()).toBe("x");
        }
        await Promise.all(works);
      });

      it("refuses what is too large, and a work that is not synchronous or keeps its txn", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n)));
        const { keyBytes, valueBytes, workBytes } = engine.limits;
        const place = placeOf(1n, "k".repeat(keyBytes + 1));
        const value = Buffer.alloc(valueBytes);
        const change = { keyspace: "profile", place: placeOf(1n, "1"), value };
        await expect(
          engine.write((txn) => txn.change({ ...change, place }, null)),
        ).rejects.toMatchObject({ code: "key-too-long" });
        await expect(
          engine.write((txn) =>
            txn.change({ ...change, value: Buffer.alloc(valueBytes + 1) }, null),
          ),
        ).rejects.toMatchObject({ code: "value-too-large" });
        await expect(
          engine.write((txn) => {
            for (let i = 0; i <= workBytes / valueBytes; i += 1) txn.change(change, null);
          }),
        ).rejects.toMatchObject({ code: "work-too-large" });
        await expect(
          engine.write(async (txn) => txn.deleteRow("profile", change.place)),
        ).rejects.toThrow("synchronous");
        const kept = await engine.write((txn) => txn);
        expect(() => kept.putDocument("things", "a", 1)).toThrow("ended");
        await engine.write((txn) => txn.change(change, null));
        expect(engine.get("profile", change.place)?.length).toBe(valueBytes);
        expect(engine.log().last).toBe(1n);
      });

      it("refuses works after close, having flushed those before", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n)));
        const before = engine.write((txn) => put(txn, 1n, "kept"));
        const closing = engine.close();
        await expect(engine.write(() => 1)).rejects.toMatchObject({ code: "engine-closed" });
        await before;
        await closing;
        engine = await bench.open();
        expect(text(1n)).toBe("kept");
      });

      it("keeps empty values, binary values and long keys as they are", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, END)));
        const rows = [
          { place: placeOf(1n, "1"), value: Buffer.alloc(0) },
          { place: placeOf(1n, `1/${"名".repeat(170)}`), value: Buffer.of(0, 255, 10, 0) },
          {
            place: placeOf(END - 1n, "x".repeat(engine.limits.keyBytes)),
            value: Buffer.alloc(70_000, 7),
          },
        ];
        await engine.write((txn) => {
          for (const row of rows) txn.change({ keyspace: "profile", ...row }, null);
        });
        await reopen();
        const view = engine.read();
        const scanned = view.scan("profile", ALL, null, BIG).rows;
        const { changes } = view.changes(0n, null, { records: 10, bytes: 1 << 20 });
        const shown = (row: { place: Buffer; value: Buffer | null }): string =>
          `${row.place.toString("hex")} ${row.value?.toString("hex") ?? "deleted"}`;
        expect(scanned.map(shown)).toEqual(rows.map(shown));
        expect(changes.map(shown)).toEqual(rows.map(shown));
        for (const { place, value } of rows) {
          expect(engine.get("profile", place)?.equals(value)).toBe(true);
        }
        view.close();
      });
    });

    describe("change", () => {
      it("is refused where this node is not primary, or holds nothing", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n, { ownership: follower })));
        await expect(engine.write((txn) => put(txn, 1n, "x"))).rejects.toMatchObject({
          code: "not-primary",
        });
        await expect(engine.write((txn) => put(txn, 100n, "x"))).rejects.toMatchObject({
          code: "entry-unknown",
        });
      });

      it("keeps the position its primary gave it, and refuses one that is not later", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n, { ownership: follower })));
        await engine.write((txn) => {
          put(txn, 1n, "a", [1n, 70n]);
          put(txn, 2n, "b", [1n, 75n]);
          put(txn, 1n, "c", [2n, 3n]);
        });
        for (const at of [
          [1n, 80n],
          [2n, 3n],
          [2n, 1n],
        ] as const) {
          await expect(engine.write((txn) => put(txn, 1n, "late", [...at]))).rejects.toMatchObject({
            code: "out-of-order",
          });
        }
        const view = engine.read();
        const { changes, through } = view.changes(0n, null, { records: 10, bytes: 1 << 20 });
        expect(changes.map(({ sequence, at }) => [sequence, at.generation, at.index])).toEqual([
          [1n, 1n, 70n],
          [2n, 1n, 75n],
          [3n, 2n, 3n],
        ]);
        expect(through).toBe(3n);
        view.close();
        expect(text(1n)).toBe("c");
        expect(engine.cursor("profile", 0n)).toEqual({ generation: 2n, index: 3n });
      });

      it("can be several at one position, all or none", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n, { ownership: follower })));
        await engine.write((txn) => txn.putEntry(entryOf(100n, 200n, { ownership: follower })));
        const rows = [1n, 2n, 3n].map((uid) => ({
          keyspace: "profile",
          place: placeOf(uid, `${uid}`),
          value: uid === 2n ? null : Buffer.from("together"),
        }));
        const at = { generation: 1n, index: 70n };
        await engine.write((txn) => {
          put(txn, 2n, "before", [1n, 60n]);
          txn.changeTogether(rows, at);
        });
        expect([1n, 2n, 3n].map(text)).toEqual(["together", undefined, "together"]);
        expect(engine.cursor("profile", 0n)).toEqual(at);
        const elsewhere = { ...rows[0]!, place: placeOf(150n, "150") };
        const refused = [
          [rows, 70n, "1.70"],
          [[rows[0]!, elsewhere], 80n, "more than one entry"],
          [[], 80n, "no change"],
        ] as const;
        for (const [changes, index, why] of refused) {
          const asked = engine.write((txn) =>
            txn.changeTogether(changes, { generation: 1n, index }),
          );
          await expect(asked).rejects.toThrow(why);
        }
        const view = engine.read();
        const { changes } = view.changes(0n, null, { records: 10, bytes: 1 << 20 });
        expect(changes.map(({ sequence, at: { index } }) => [sequence, index])).toEqual([
          [1n, 60n],
          [2n, 70n],
          [3n, 70n],
          [4n, 70n],
        ]);
        view.close();
      });

      it("lets a reader find where a position lies in the log of this node", async () => {
        await engine.write((txn) => {
          txn.putEntry(entryOf(0n, 10n));
          for (let i = 0; i < 3; i += 1) put(txn, 1n, "other");
          txn.putEntry(
            entryOf(10n, 20n, { ownership: follower, floor: { generation: 1n, index: 500n } }),
          );
          put(txn, 11n, "a", [1n, 501n]);
          put(txn, 12n, "b", [1n, 505n]);
          put(txn, 11n, "c", [3n, 2n]);
        });
        await engine.write((txn) => {
          const entry = txn.entryAt("profile", 11n);
          if (entry)
            txn.putEntry({
              ...entry,
              ownership: { role: "primary", generation: 4n, handed: null },
            });
          put(txn, 11n, "d");
          put(txn, 12n, "e");
        });
        const entry = engine.entryAt("profile", 11n);
        if (entry === null) throw new Error("no entry");
        const from = (generation: bigint, index: bigint) =>
          startOfChanges(entry, { generation, index });
        expect(from(1n, 499n)).toBeNull();
        expect(from(1n, 500n)).toBe(3n);
        expect(from(1n, 505n)).toBe(3n);
        expect(from(2n, 9n)).toBe(3n);
        expect(from(3n, 2n)).toBe(5n);
        expect(from(4n, 7n)).toBe(7n);
        expect(from(4n, 8n)).toBe(8n);
      });
    });

    describe("entries", () => {
      it("finds the entry of a position", async () => {
        await engine.write((txn) => {
          txn.putEntry(entryOf(10n, 20n));
          txn.putEntry(entryOf(0n, 10n));
          txn.putEntry(entryOf(1n << 63n, END));
          txn.putEntry(entryOf(0n, END, { keyspace: "a/b" }));
        });
        expect(engine.entryAt("profile", 9n)?.lo).toBe(0n);
        expect(engine.entryAt("profile", 10n)?.lo).toBe(10n);
        expect(engine.entryAt("profile", 20n)).toBeNull();
        expect(engine.entryAt("profile", END - 1n)?.hi).toBe(END);
        expect(engine.entryAt("a/b", 3n)?.keyspace).toBe("a/b");
        expect(engine.entryAt("none", 3n)).toBeNull();
        await engine.write((txn) => {
          const within = (lo: bigint, hi: bigint) =>
            txn.entriesIn("profile", { lo, hi }).map((entry) => entry.lo);
          expect(within(5n, 11n)).toEqual([0n, 10n]);
          expect(within(20n, 1n << 63n)).toEqual([]);
          expect(within(19n, END)).toEqual([10n, 1n << 63n]);
        });
        expect(engine.entries().map(({ keyspace, lo }) => [keyspace, lo])).toEqual([
          ["a/b", 0n],
          ["profile", 0n],
          ["profile", 10n],
          ["profile", 1n << 63n],
        ]);
      });

      it("refuses overlaps and what is no segment", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(10n, 20n)));
        for (const [lo, hi] of [
          [0n, 11n],
          [19n, 30n],
          [12n, 13n],
          [0n, 100n],
          [10n, 19n],
        ] as const) {
          await expect(engine.write((txn) => txn.putEntry(entryOf(lo, hi)))).rejects.toMatchObject({
            code: "entry-overlaps",
          });
        }
        for (const [lo, hi] of [
          [5n, 5n],
          [6n, 5n],
          [-1n, 5n],
          [0n, END + 1n],
        ] as const) {
          await expect(engine.write((txn) => txn.putEntry(entryOf(lo, hi)))).rejects.toMatchObject({
            code: "segment-invalid",
          });
        }
        expect(engine.entries()).toHaveLength(1);
      });

      it("splits with everything on both sides, and each side has its own cursor from then on", async () => {
        const link = {
          id: "l1",
          source: { node: "n2", url: "http://n2" },
          purpose: "move",
          copy: { phase: "streaming", readableFrom: { generation: 1n, index: 3n } },
          verified: true,
          bytesPerSecond: null,
        } as const;
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n, { ownership: follower, link })));
        await engine.write((txn) => put(txn, 5n, "x", [1n, 4n]));
        await engine.write((txn) => {
          txn.splitEntry("profile", 40n);
          txn.splitEntry("profile", 40n);
          txn.splitEntry("profile", 0n);
        });
        await reopen();
        expect(engine.entries().map(({ lo, hi, link: of }) => [lo, hi, of])).toEqual([
          [0n, 40n, link],
          [40n, 100n, link],
        ]);
        expect(engine.cursor("profile", 40n)).toEqual({ generation: 1n, index: 4n });
        await engine.write((txn) => put(txn, 40n, "y", [1n, 9n]));
        expect(engine.cursor("profile", 0n)).toEqual({ generation: 1n, index: 4n });
        expect(engine.cursor("profile", 40n)).toEqual({ generation: 1n, index: 9n });
      });

      it("forgets the cursor with the entry", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n)));
        await engine.write((txn) => put(txn, 1n, "x"));
        await engine.write((txn) => txn.deleteEntry("profile", { lo: 0n, hi: 100n }));
        await reopen();
        expect(engine.entries()).toEqual([]);
        expect(engine.cursor("profile", 0n)).toBeNull();
        expect(text(1n)).toBe("x");
      });
    });

    describe("view", () => {
      it("shows one commit, whatever comes after", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n)));
        await engine.write((txn) => put(txn, 1n, "old"));
        const view = engine.read();
        await engine.write((txn) => {
          put(txn, 1n, "new");
          put(txn, 2n, "new");
          txn.splitEntry("profile", 2n);
        });
        const newer = engine.read();
        expect(
          view.scan("profile", ALL, null, BIG).rows.map((row) => row.value.toString()),
        ).toEqual(["old"]);
        expect(view.get("profile", placeOf(2n, "2"))).toBeNull();
        expect(view.cursor("profile", 0n)).toEqual({ generation: 1n, index: 1n });
        expect(view.entries()).toHaveLength(1);
        expect(view.entryAt("profile", 2n)?.lo).toBe(0n);
        expect(view.lastSequence).toBe(1n);
        expect(view.changes(0n, null, { records: 10, bytes: 1 << 20 }).changes).toHaveLength(1);
        expect(newer.entries()).toHaveLength(2);
        expect(newer.lastSequence).toBe(3n);
        view.close();
        view.close();
        newer.close();
        expect(() => view.entries()).toThrow("closed");
        expect(engine.describe().openViews).toBe(0);
      });

      it("is not disturbed by another view of the same moment that closes", async () => {
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n)));
        await engine.write((txn) => put(txn, 1n, "old"));
        const views = [engine.read(), engine.read(), engine.read()];
        views[0]?.close();
        for (let i = 0; i < 10; i += 1) await engine.write((txn) => put(txn, 1n, `new ${i}`));
        views[2]?.close();
        await engine.write((txn) => put(txn, 1n, "newest"));
        expect(views[1]?.get("profile", placeOf(1n, "1"))?.toString()).toBe("old");
        expect(views[1]?.scan("profile", ALL, null, BIG).rows).toHaveLength(1);
        views[1]?.close();
        expect(text(1n)).toBe("newest");
      });

      it("scans a segment in order and by pages, and nothing beside it", async () => {
        const positions = [0n, 1n, 255n, 256n, 65_536n, 1n << 40n, END - 1n];
        await engine.write((txn) => {
          txn.putEntry(entryOf(0n, END));
          txn.putEntry(entryOf(0n, END, { keyspace: "other" }));
          for (const position of positions.toReversed()) {
            put(txn, position, "v");
            txn.putRow("other", placeOf(position, "o"), Buffer.from("o"));
          }
        });
        const view = engine.read();
        const seen: bigint[] = [];
        let after: Buffer | null = null;
        for (;;) {
          const page = view.scan("profile", ALL, after, { rows: 2, bytes: 1 << 20 });
          expect(page.rows.length).toBeLessThanOrEqual(2);
          seen.push(...page.rows.map((row) => positionOf(row.place)));
          after = page.rows.at(-1)?.place ?? after;
          if (page.done) break;
        }
        expect(seen).toEqual(positions);
        const middle = view.scan("profile", { lo: 1n, hi: 256n }, null, BIG);
        expect(middle.rows.map((row) => positionOf(row.place))).toEqual([1n, 255n]);
        expect(view.scan("profile", ALL, null, { rows: 100, bytes: 1 }).rows).toHaveLength(1);
        expect(view.scan("none", ALL, null, BIG)).toEqual({ rows: [], done: true });
        view.close();
      });

      it("goes on after a place outside of the segment, as a split copy does", async () => {
        await engine.write((txn) => {
          txn.putEntry(entryOf(0n, 100n));
          for (const position of [10n, 20n, 30n]) put(txn, position, "v");
        });
        const view = engine.read();
        const after = placeOf(20n, "20");
        const from = (lo: bigint, hi: bigint) =>
          view.scan("profile", { lo, hi }, after, BIG).rows.map((row) => positionOf(row.place));
        expect(from(0n, 15n)).toEqual([]);
        expect(from(0n, 20n)).toEqual([]);
        expect(from(25n, 100n)).toEqual([30n]);
        expect(from(0n, 100n)).toEqual([30n]);
        view.close();
      });

      it("reads the log by segment and by pages, and says how far it looked", async () => {
        await engine.write((txn) => {
          txn.putEntry(entryOf(0n, 50n));
          txn.putEntry(entryOf(50n, 100n));
          for (let i = 0; i < 10; i += 1) put(txn, i % 2 === 0 ? 1n : 60n, `${i}`);
        });
        const view = engine.read();
        const of = { keyspace: "profile", segment: { lo: 50n, hi: 100n } };
        const page = view.changes(2n, of, { records: 4, bytes: 1 << 20 });
        expect(page.changes.map((each) => each.sequence)).toEqual([4n, 6n]);
        expect(page.through).toBe(6n);
        expect(view.changes(6n, of, { records: 100, bytes: 1 })).toMatchObject({ through: 8n });
        expect(view.changes(9n, { ...of, keyspace: "none" }, { records: 100, bytes: 1 })).toEqual({
          changes: [],
          through: 10n,
        });
        view.close();
      });

      it("digests equal rows equally, by chunks, and any difference differently", async () => {
        const twin = { keyspace: "twin" };
        await engine.write((txn) => {
          txn.putEntry(entryOf(0n, END));
          txn.putEntry(entryOf(0n, END, twin));
          for (let i = 0n; i < 5_000n; i += 1n) {
            const row = { place: placeOf(i * 7n, `${i}`), value: Buffer.from(`value ${i}`) };
            txn.change({ keyspace: "profile", ...row }, null);
            txn.putRow("twin", row.place, row.value);
          }
        });
        const digestOf = async (keyspace: string, maxRows: number) => {
          const view = engine.read();
          try {
            const chunks = [];
            let after: Buffer | null = null;
            do {
              const chunk = await view.digest(keyspace, ALL, after, maxRows);
              chunks.push({ rows: chunk.rows, bytes: chunk.bytes, digest: chunk.digest });
              after = chunk.next;
            } while (after !== null);
            return chunks;
          } finally {
            view.close();
          }
        };
        const whole = await digestOf("profile", 1_000_000);
        expect(whole).toHaveLength(1);
        expect(whole[0]?.rows).toBe(5_000);
        expect(await digestOf("twin", 1_000_000)).toEqual(whole);
        const chunks = await digestOf("profile", 700);
        expect(chunks.map((chunk) => chunk.rows)).toEqual([700, 700, 700, 700, 700, 700, 700, 100]);
        expect(await digestOf("twin", 700)).toEqual(chunks);
        await engine.write((txn) =>
          txn.putRow("twin", placeOf(7n * 4_000n, "4000"), Buffer.from("value 400O")),
        );
        const changed = await digestOf("twin", 700);
        expect(changed.map((chunk, i) => chunk.digest === chunks[i]?.digest)).toEqual([
          true,
          true,
          true,
          true,
          true,
          false,
          true,
          true,
        ]);
      });

      it("tells rows apart that only run together differently", async () => {
        const digests: string[] = [];
        for (const [key, value] of [
          ["1/ab", "c"],
          ["1/a", "bc"],
        ] as const) {
          const keyspace = `k${digests.length}`;
          await engine.write((txn) => {
            txn.putEntry(entryOf(0n, END, { keyspace }));
            txn.putRow(keyspace, placeOf(1n, key), Buffer.from(value));
          });
          const view = engine.read();
          digests.push((await view.digest(keyspace, ALL, null, 10)).digest);
          view.close();
        }
        expect(digests[0]).not.toBe(digests[1]);
      });

      it("digests values larger than a block, and lets others run meanwhile", async () => {
        await engine.write((txn) => {
          txn.putEntry(entryOf(0n, END));
          for (let i = 0n; i < 20_000n; i += 1n)
            txn.putRow("profile", placeOf(i, `${i}`), Buffer.alloc(20));
          txn.putRow("profile", placeOf(END - 1n, "big"), Buffer.alloc(200_000, 1));
        });
        const view = engine.read();
        let turns = 0;
        const timer = setInterval(() => (turns += 1), 0);
        const chunk = await view.digest("profile", ALL, null, 1_000_000);
        await view.histogram("profile", ALL, 4);
        clearInterval(timer);
        expect(chunk.rows).toBe(20_001);
        expect(turns).toBeGreaterThan(0);
        view.close();
      });

      it("counts rows and bytes by bucket", async () => {
        await engine.write((txn) => {
          txn.putEntry(entryOf(0n, 100n));
          for (const position of [0n, 9n, 10n, 55n, 99n]) put(txn, position, "1234");
        });
        const view = engine.read();
        const { rows, bytes, buckets } = await view.histogram("profile", { lo: 0n, hi: 100n }, 10);
        expect(rows).toBe(5);
        expect(bytes).toBe(5 * 4 + 1 + 1 + 2 + 2 + 2);
        expect(buckets.map((bucket) => bucket.rows)).toEqual([2, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
        expect(buckets[9]).toEqual({ lo: 90n, hi: 100n, rows: 1, bytes: 6 });
        expect(
          (await view.histogram("profile", { lo: 9n, hi: 12n }, 10)).buckets.map(
            (each) => each.rows,
          ),
        ).toEqual([1, 1, 0]);
        await expect(view.histogram("profile", ALL, 0)).rejects.toMatchObject({
          code: "histogram-buckets",
        });
        view.close();
      });
    });

    describe("log", () => {
      it("tells listeners of flushed records only, with what they can then read", async () => {
        const told: { last: bigint; readable: bigint }[] = [];
        const stop = engine.onCommit((last) => {
          const view = engine.read();
          told.push({ last, readable: view.lastSequence });
          view.close();
        });
        await engine.write((txn) => txn.putEntry(entryOf(0n, 100n)));
        await engine.write((txn) => put(txn, 1n, "a"));
        await Promise.all([1, 2].map((n) => engine.write((txn) => put(txn, 1n, `${n}`))));
        expect(told).toEqual([
          { last: 1n, readable: 1n },
          { last: 3n, readable: 3n },
        ]);
        stop();
        await engine.write((txn) => put(txn, 1n, "b"));
        expect(told).toHaveLength(2);
      });

      it("never gives a sequence out again, even when all was trimmed", async () => {
        await engine.write((txn) => {
          txn.putEntry(entryOf(0n, 100n));
          for (let i = 0; i < 3; i += 1) put(txn, 1n, "x");
        });
        expect(await engine.trim(99n, 100)).toBe(3);
        expect(engine.log()).toMatchObject({ first: 4n, last: 3n });
        await reopen();
        expect(engine.log()).toMatchObject({ first: 4n, last: 3n });
        const view = engine.read();
        expect(view.lastSequence).toBe(3n);
        expect(view.changes(1n, null, { records: 10, bytes: 1 << 20 })).toEqual({
          changes: [],
          through: 3n,
        });
        view.close();
        expect(await engine.write((txn) => put(txn, 1n, "y"))).toEqual({
          generation: 1n,
          index: 4n,
        });
      });

      it("raises the floor of just those entries that lose a record", async () => {
        await engine.write((txn) => {
          txn.putEntry(entryOf(0n, 50n));
          txn.putEntry(entryOf(50n, 100n));
          put(txn, 1n, "1");
          put(txn, 1n, "2");
          put(txn, 60n, "3");
          put(txn, 1n, "4");
        });
        expect(await engine.trim(2n, 100)).toBe(2);
        expect(engine.entries().map((each) => each.floor.index)).toEqual([2n, 0n]);
        expect(await engine.trim(99n, 1)).toBe(1);
        await reopen();
        expect(engine.entries().map((each) => each.floor.index)).toEqual([2n, 3n]);
        expect(engine.log()).toMatchObject({ first: 4n, last: 4n });
        expect(await engine.trim(3n, 100)).toBe(0);
      });

      it("does not raise a floor for records of an earlier time at the same segment", async () => {
        await engine.write((txn) => {
          txn.putEntry(entryOf(0n, 100n));
          for (let i = 0; i < 5; i += 1) put(txn, 1n, "old");
        });
        await engine.write((txn) => {
          txn.deleteEntry("profile", { lo: 0n, hi: 100n });
          txn.putEntry(
            entryOf(0n, 100n, { ownership: follower, floor: { generation: 1n, index: 2n } }),
          );
          put(txn, 1n, "new", [1n, 3n]);
        });
        await engine.trim(5n, 100);
        expect(engine.entryAt("profile", 1n)?.floor).toEqual({ generation: 1n, index: 2n });
      });
    });

    describe("wipe and drop", () => {
      it("wipes by bounded steps, also rows written in the same work", async () => {
        await engine.write((txn) => {
          txn.putEntry(entryOf(0n, 100n));
          for (let i = 0n; i < 25n; i += 1n) put(txn, i, "x");
        });
        const steps = await engine.write((txn) => {
          txn.putRow("profile", placeOf(5n, "5/new"), Buffer.from("x"));
          txn.deleteRow("profile", placeOf(6n, "6"));
          const counts = [];
          do counts.push(txn.wipe("profile", { lo: 5n, hi: 20n }, 10));
          while (counts.at(-1) === 10);
          return counts;
        });
        expect(steps).toEqual([10, 5]);
        expect(keysIn(0n, 100n)).toEqual([0, 1, 2, 3, 4, 20, 21, 22, 23, 24].map(String));
        expect(engine.log().last).toBe(25n);
      });

      it("drops rows in the background, and goes on after an abort and a restart", async () => {
        const segment = { lo: 0n, hi: 1_000_000n };
        await engine.write((txn) => {
          txn.putEntry(entryOf(segment.lo, segment.hi));
          for (let i = 0n; i < 9_000n; i += 1n)
            txn.putRow("profile", placeOf(i, `${i}`), Buffer.from("x"));
          txn.putRow("profile", placeOf(segment.hi, "beside"), Buffer.from("x"));
        });
        await expect(
          engine.write((txn) => txn.startDrop("d1", "profile", segment)),
        ).rejects.toMatchObject({ code: "entry-overlaps" });
        await engine.write((txn) => {
          txn.deleteEntry("profile", segment);
          txn.startDrop("d1", "profile", segment);
        });
        await expect(engine.write((txn) => txn.putEntry(entryOf(5n, 6n)))).rejects.toMatchObject({
          code: "entry-overlaps",
        });
        const abort = new AbortController();
        await expect(
          engine.runDrop("d1", {
            signal: abort.signal,
            progress: () => abort.abort(new Error("enough")),
          }),
        ).rejects.toThrow("enough");
        await reopen();
        const [left] = engine.drops();
        expect(left?.removed).toBeGreaterThan(0);
        expect(left?.removed).toBeLessThan(9_000);
        expect(await engine.runDrop("d1")).toBe(9_000);
        expect(engine.drops()).toEqual([]);
        expect(keysIn(0n, END)).toEqual(["beside"]);
        await engine.write((txn) => txn.putEntry(entryOf(5n, 6n)));
        await expect(engine.runDrop("d1")).rejects.toMatchObject({ code: "drop-unknown" });
      });
    });

    it("keeps documents by table, bigints too", async () => {
      const document = {
        at: { generation: 3n, index: 1n << 63n },
        list: [1n, null, "2n"],
        nested: { a: {} },
      };
      await engine.write((txn) => {
        txn.putDocument("operations", "a/b", document);
        txn.putDocument("operations", "ü", 1);
        txn.putDocument("operations-x", "a", 2);
        txn.putDocument("epochs", "keyspace/profile", 17n);
      });
      await reopen();
      expect(engine.document("operations", "a/b")).toEqual(document);
      expect(engine.documents("operations").map(({ id }) => id)).toEqual(["a/b", "ü"]);
      expect(engine.documents("epochs")).toEqual([{ id: "keyspace/profile", value: 17n }]);
      await engine.write((txn) => txn.deleteDocument("operations", "a/b"));
      expect(engine.document("operations", "a/b")).toBeNull();
    });

    it("agrees with a model through any run of works, splits, wipes, trims and restarts", async () => {
      await fc.assert(modelProperty(make), { numRuns: 30 });
    });
  });
}
