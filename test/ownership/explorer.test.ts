import { afterAll, describe, expect, test } from "vitest";
import { explore, type Model } from "./model/explore.js";
import { Slices } from "./model/slices.js";
import { Takeover } from "./model/takeover.js";
import { SOUND } from "./mutants.js";

/**
 * How many distinct states to see in all. Small bounds are explored to their end; the large ones share the rest, breadth first.
 * OPS_EXPLORE_STATES=20000000 takes some minutes and ends most of the large ones too.
 */
const WANTED = Number(process.env["OPS_EXPLORE_STATES"] ?? 400_000);
const LEAST = 200_000;

const LARGE: Readonly<Record<string, () => Model>> = {
  "two takeovers, two crashes": () => new Takeover({ writes: 2, takeovers: 2, crashes: 2 }),
  "two takeovers, late frames": () =>
    new Takeover({ writes: 2, takeovers: 2, crashes: 1, lateFrames: true }),
  "two takeovers, copies dropped and attached again": () =>
    new Takeover({ writes: 1, takeovers: 2, crashes: 1, drops: true, changes: 2 }),
  "three takeovers, there and back": () => new Takeover({ writes: 1, takeovers: 3, crashes: 1 }),
  "three nodes, an operator with an old view, a copy pointed elsewhere": () =>
    new Takeover({ nodes: ["S", "T", "R"], writes: 1, takeovers: 2, crashes: 1, changes: 1 }),
  "three nodes, copies dropped": () =>
    new Takeover({
      nodes: ["S", "T", "R"],
      writes: 1,
      takeovers: 2,
      crashes: 0,
      changes: 2,
      drops: true,
    }),
  "all discarded and made anew, twice": () =>
    new Takeover({ writes: 2, takeovers: 2, crashes: 1, drops: true, changes: 2, discards: 2 }),
  "slices, there and back": () => new Slices({ writes: 4, takeovers: 3, oneCursor: false }),
};

describe("the shipped protocol holds in every state", () => {
  let states = 0;
  let transitions = 0;

  const expectHolds = (name: string, model: Model, limit: number): boolean => {
    const seen = explore(model, limit);
    states += seen.states;
    transitions += seen.transitions;
    const extent = seen.complete ? "all of them" : "stopped there";
    console.log(`${name}: ${seen.states} distinct states, ${extent}`);
    expect(seen.violation?.kind, seen.violation?.trace.join("\n")).toBeUndefined();
    return seen.complete;
  };

  for (const [name, model] of Object.entries(SOUND)) {
    test(`${name}, to the end`, { timeout: 300_000 }, () => {
      expect(expectHolds(name, model(), Infinity)).toBe(true);
    });
  }

  let left = Object.keys(LARGE).length;
  for (const [name, model] of Object.entries(LARGE)) {
    test(name, { timeout: 3_600_000 }, () => {
      expectHolds(name, model(), Math.max(1, Math.ceil((WANTED - states) / left--)));
    });
  }

  test("and that is enough of them", () => {
    expect(states).toBeGreaterThanOrEqual(LEAST);
  });

  afterAll(() => {
    console.log(
      `explored ${states} distinct states of the takeover protocol, ${transitions} transitions`,
    );
  });
});
