import fc from "fast-check";
import { expect, test } from "vitest";
import { OpsError } from "../../src/lib/errors.js";
import { cut } from "../../src/lib/policy/cut.js";
import type { Entry, PolicyDocument } from "../../src/lib/policy/document.js";
import { advance, level, levelAfter, NOT_RAMPED } from "../../src/lib/policy/level.js";
import { decodePolicy, encodePolicy } from "../../src/lib/policy/wire.js";
import { DAY, entry, fractions, threeSites } from "./policies.js";

const redirects = [
  { carrier: "telecom", province: "other", map: cut([], fractions({ b: 0.8, c: 0.2 })) },
];
const whole = threeSites([entry({ id: "m1", site: "a", epoch: 2n ** 63n, redirects })]);

function problems(change: (document: PolicyDocument) => unknown): readonly string[] {
  try {
    decodePolicy(JSON.parse(JSON.stringify(change(whole))));
  } catch (error) {
    if (error instanceof OpsError) return error.details as readonly string[];
    throw error;
  }
  return [];
}

const withEntry = (fields: Partial<Entry>) => (document: PolicyDocument) =>
  encodePolicy({ ...document, entries: [{ ...document.entries[0]!, ...fields }] });

test("a document comes back from JSON as it was", () => {
  expect(decodePolicy(JSON.parse(JSON.stringify(encodePolicy(whole))))).toEqual(whole);
});

test("one that cannot be used is refused, with all that is wrong", () => {
  const wire = encodePolicy(whole);
  expect(problems(() => wire)).toEqual([]);
  expect(problems(() => ({ ...wire, extra: 1 }))).toEqual([
    expect.stringContaining('Unrecognized key: "extra"'),
  ]);
  expect(
    problems(() => ({ ...wire, version: 0, entries: [{ ...wire.entries[0], mode: "off" }] })),
  ).toEqual([expect.stringMatching(/^version: /), expect.stringMatching(/^entries\.0\.mode: /)]);
  const base = wire.classes[0]!.base;
  const classOf = (pieces: typeof base) => ({
    ...wire,
    classes: [{ ...wire.classes[0]!, base: pieces }],
  });
  expect(problems(() => classOf(base.slice(1)))).toEqual([
    "class telecom/other: the pieces do not join at 0",
  ]);
  expect(problems(() => classOf(base.slice(0, 2)))).toEqual([
    "class telecom/other: the pieces do not cover every hash",
  ]);
  expect(problems(() => classOf([{ ...base[0]!, value: "x" }, ...base.slice(1)]))).toEqual([
    "class telecom/other: there is no site x",
  ]);
  expect(problems(() => ({ ...wire, classes: [...wire.classes, ...wire.classes] }))).toEqual([
    "class telecom/other is there twice",
  ]);
  expect(problems(withEntry({ site: "x", expires: 0 }))).toEqual([
    "entry m1: there is no site x",
    "entry m1 expires before it begins",
  ]);
  expect(problems(withEntry({ expires: 32 * DAY }))).toEqual([
    "entry m1 lasts longer than 31 days",
  ]);
  expect(problems(withEntry({ ramp: { step: 1e-6, everyMs: 60_000 } }))).toEqual([
    "entry m1 takes longer than 31 days to let all users back",
  ]);
  expect(problems(withEntry({ site: "b" }))).toEqual([
    "entry m1 sends users of class telecom/other to b, from where it keeps them away",
  ]);
  expect(
    problems(withEntry({ redirects: [...redirects, { ...redirects[0]!, carrier: "unicom" }] })),
  ).toEqual(["entry m1: there is no class unicom/other"]);
});

test("the ramp begins at the expiry and never rises again", () => {
  const one = entry({ id: "m1", site: "a", ramp: { step: 0.3, everyMs: 1_000 } });
  const at = (ms: number) => level(one, DAY + ms);
  expect([-1, 0, 999, 1_000, 2_000, 2_999, 3_000, 9_000].map(at)).toEqual([
    1, 0.7, 0.7, 0.4, 0.1, 0.1, 0, 0,
  ]);
});

test("at an agent it takes one step at a time, however late, and none while the site is sick", () => {
  const ramp = { step: 0.1, everyMs: 1_000 };
  const one = entry({ id: "m1", site: "a", expires: 10_000, ramp });
  const looks = fc.array(
    fc.record({ after: fc.integer({ min: 1, max: 5_000 }), well: fc.boolean() }),
    {
      minLength: 1,
      maxLength: 60,
    },
  );
  const property = fc.property(looks, (all) => {
    let state = NOT_RAMPED;
    let now = 5_000;
    let lastStep = -Infinity;
    for (const { after, well } of all) {
      now += after;
      const next = advance(one, state, now, well);
      const by = next.steps - state.steps;
      expect(by === 0 || by === 1).toBe(true);
      if (by === 1) {
        expect(well && now >= 10_000).toBe(true);
        expect(now - lastStep).toBeGreaterThanOrEqual(ramp.everyMs);
        lastStep = now;
      }
      // Never ahead of what every agent would do by its clock alone.
      expect(levelAfter(one, next.steps)).toBeGreaterThanOrEqual(level(one, now));
      state = next;
    }
  });
  fc.assert(property, { seed: 20_260_103, numRuns: 500 });
});

test("a clock that is set back keeps all away again before the expiry, and delays nobody after it", () => {
  const ramp = { step: 0.5, everyMs: 1_000 };
  const one = entry({ id: "m1", site: "a", expires: 10_000, ramp });
  const ahead = advance(one, NOT_RAMPED, 3_600_000, true);
  expect(ahead).toEqual({ steps: 1, at: 3_600_000 });
  const before = advance(one, ahead, 9_000, true);
  expect(levelAfter(one, before.steps)).toBe(1);
  expect(advance(one, before, 9_500, true)).toBe(before);
  expect(advance(one, before, 10_000, true)).toEqual({ steps: 1, at: 10_000 });
  // Also by a site that was sick when the clock was ahead.
  const held = advance(one, NOT_RAMPED, 3_600_000, false);
  expect(advance(one, held, 20_000, true)).toEqual({ steps: 1, at: 20_000 });
  expect(advance(one, ahead, 20_000, true)).toEqual({ steps: 2, at: 20_000 });
  // By less than a step takes it is no matter.
  expect(advance(one, ahead, 3_599_500, true)).toBe(ahead);
});
