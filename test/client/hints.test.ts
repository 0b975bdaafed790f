import fc from "fast-check";
import { expect, test } from "vitest";
import { Hints } from "../../src/lib/client/hints.js";
import type { RouteTable } from "../../src/lib/routing/table.js";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";

const whole = { lo: 0n, hi: 100n };
const x = { url: "http://x", generation: 4n };
const y = { url: "http://y", generation: 5n };

test("a hint covers what lies between two redirects to the same owner", () => {
  const hints = new Hints();
  hints.learn(10n, x, whole);
  expect(hints.at(12n)).toBeNull();
  hints.learn(15n, x, whole);
  expect(hints.at(12n)).toEqual(x);
  expect(hints.at(16n)).toBeNull();
});

test("a hint does not reach over another owner's, nor over an edge of the table", () => {
  const hints = new Hints();
  hints.learn(10n, x, whole);
  hints.learn(12n, y, whole);
  hints.learn(14n, x, whole);
  expect([11n, 12n, 13n].map((position) => hints.at(position))).toEqual([null, y, null]);
  hints.learn(20n, y, { lo: 18n, hi: 100n });
  expect(hints.at(16n)).toBeNull();
});

test("a redirect from a wrong guess replaces the guess", () => {
  const hints = new Hints();
  hints.learn(10n, x, whole);
  hints.learn(20n, x, whole);
  hints.learn(15n, y, whole);
  expect(hints.at(15n)).toEqual(y);
  expect(hints.at(12n)).toBeNull();
});

test("a newer table ends the hints that it knows, and only those", () => {
  const hints = new Hints();
  hints.learn(10n, x, whole);
  hints.learn(60n, y, whole);
  const segment = { shard: "s", writer: "n", readers: [] };
  const table: RouteTable = {
    keyspace: "k",
    sharding: "range",
    domain: whole,
    version: 2,
    settings: DEFAULT_SETTINGS,
    nodes: { n: { url: "http://n", region: "r", set: "s" } },
    segments: [{ ...segment, lo: 0n, hi: 100n, generation: 4n }],
  };
  hints.outdate(table);
  expect(hints.at(10n)).toBeNull();
  expect(hints.at(60n)).toEqual(y);
});

test("the last redirect of a position is what is believed about it, whatever came in between", () => {
  const redirect = fc.record({
    position: fc.bigInt({ min: 0n, max: 30n }),
    owner: fc.constantFrom(x, y),
  });
  fc.assert(
    fc.property(fc.array(redirect, { minLength: 1, maxLength: 40 }), (redirects) => {
      const hints = new Hints();
      for (const { position, owner } of redirects) {
        hints.learn(position, owner, whole);
        expect(hints.at(position)).toEqual(owner);
      }
    }),
  );
});
