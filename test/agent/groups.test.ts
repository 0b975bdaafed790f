import fc from "fast-check";
import { expect, test } from "vitest";
import type { Frame } from "../../src/lib/agent/protocol/frames.js";
import { Groups } from "../../src/lib/agent/server/groups.js";
import type { Lane } from "../../src/lib/agent/server/lanes.js";
import type { LoggedChange } from "../../src/lib/engines/contract.js";
import { comparePositions, ORIGIN } from "../../src/lib/ownership/position.js";
import type { LogPosition } from "../../src/lib/ownership/types.js";

type Rows = ReadonlyMap<string, string>;

/** A copy: what it shows, where it stands, and its log. */
interface Copy {
  rows: Map<string, string>;
  cursor: LogPosition;
  readonly log: LoggedChange[];
}

const histories = fc.array(
  fc.record({
    key: fc.constantFrom("a", "b", "c", "d"),
    value: fc.option(fc.string({ maxLength: 2 }), { nil: null }),
  }),
  { minLength: 1, maxLength: 60 },
);

function newCopy(): Copy {
  return { rows: new Map(), cursor: ORIGIN, log: [] };
}

function put(copy: Copy, at: LogPosition, change: Pick<LoggedChange, "place" | "value">): void {
  const key = change.place.toString();
  if (change.value === null) copy.rows.delete(key);
  else copy.rows.set(key, change.value.toString());
  copy.log.push({ ...change, keyspace: "p", at, sequence: BigInt(copy.log.length) + 1n });
  copy.cursor = at;
}

/** Brings the copy to where the source stands, in steps that end at the cuts of the source's log; after each one it is looked at. */
function follow(
  copy: Copy,
  source: Copy,
  coalesces: boolean,
  cuts: readonly number[],
  look: () => void,
): void {
  const lane = { index: 0, cursor: copy.cursor } as Lane;
  const groups = new Groups(coalesces);
  const apply = (frames: readonly Frame[]) => {
    for (const frame of frames) {
      if (frame.type !== "change" && frame.type !== "changes") throw new Error(frame.type);
      expect(comparePositions(frame.prev, copy.cursor)).toBe(0);
      const together = frame.type === "change" ? [frame] : frame.changes;
      for (const change of together) put(copy, frame.at, change);
      look();
    }
  };
  for (const [i, change] of source.log.entries()) {
    const isLater = comparePositions(change.at, lane.cursor) > 0;
    if (isLater || groups.continues(lane, change.at)) groups.add(lane, change);
    const next = source.log[i + 1];
    const isStepEnd = next === undefined || comparePositions(next.at, change.at) !== 0;
    if (isStepEnd && cuts.includes(i)) apply(groups.take());
  }
  apply(groups.take());
}

test("whatever windows, cuts, chains and changes of the source: a copy shows the primary's state at its very position", () => {
  const indexes = fc.array(fc.nat({ max: 60 }), { maxLength: 6 });
  const hop = fc.record({ coalesces: fc.boolean(), cuts: indexes });
  fc.assert(
    fc.property(histories, fc.nat({ max: 60 }), hop, hop, hop, (history, head, one, two, three) => {
      const primary = newCopy();
      const states = new Map<string, Rows>([["0", new Map()]]);
      for (const [i, { key, value }] of history.entries()) {
        const at = { generation: 1n, index: BigInt(i + 1) };
        put(primary, at, {
          place: Buffer.from(key),
          value: value === null ? null : Buffer.from(value),
        });
        states.set(String(at.index), new Map(primary.rows));
      }
      const near = newCopy();
      const far = newCopy();
      const shows = (copy: Copy) => () =>
        expect(copy.rows).toEqual(states.get(String(copy.cursor.index)));
      // `far` has the beginning from the primary itself, change by change, and then follows the copy: in the middle of its steps.
      const begun = { ...primary, log: primary.log.slice(0, head) };
      follow(near, primary, one.coalesces, one.cuts, shows(near));
      follow(far, begun, two.coalesces, two.cuts, shows(far));
      follow(far, near, three.coalesces, three.cuts, shows(far));
      expect(far.rows).toEqual(primary.rows);
      expect(far.cursor).toEqual(primary.cursor);
      // And back: what it has in steps of the copy fits the primary's log.
      const late = newCopy();
      follow(late, far, two.coalesces, three.cuts, shows(late));
      follow(late, primary, one.coalesces, two.cuts, shows(late));
      expect(late.rows).toEqual(primary.rows);
    }),
    { numRuns: 500 },
  );
});

test("a step that others made is not joined to what it would grow by", () => {
  const groups = new Groups(true);
  const large = { changes: 20_000, bytes: 100 };
  expect(groups.isCrowdedBy(large)).toBe(false);
  const [change] = newCopyWith({ key: "a", value: "x" }).log;
  groups.add({ index: 0, cursor: ORIGIN } as Lane, change!);
  expect(groups.isCrowdedBy(large)).toBe(true);
  expect(groups.isCrowdedBy({ changes: 1, bytes: 3 * 1024 * 1024 })).toBe(true);
  expect(groups.isCrowdedBy({ changes: 1, bytes: 100 })).toBe(false);
});

function newCopyWith({ key, value }: { key: string; value: string }): Copy {
  const copy = newCopy();
  put(copy, { ...ORIGIN, index: 1n }, { place: Buffer.from(key), value: Buffer.from(value) });
  return copy;
}
