import { expect, test } from "vitest";
import { costOf } from "../../src/lib/schedule/quality/cost.js";
import { type Figure, measured } from "../../src/lib/schedule/quality/measured.js";
import { WORTH_MS, live } from "../../src/lib/schedule/quality/tolls.js";
import { CLASSES, SITES, figures, unbalanced } from "./rounds.js";

const { topology, demand } = await unbalanced();
const { carrier, province } = CLASSES[0]!;

const way = (of: Partial<Figure>): Figure => ({
  ...figures(400, () => ({ rttMs: 30, loss: 0 }))[0]!,
  ...of,
});
const tollOf = (...ways: readonly Figure[]) =>
  live(measured(topology, demand, ways)).tolls(carrier, province)[SITES.indexOf("a1")]!;
const rttOf = (...ways: readonly Figure[]) =>
  measured(topology, demand, ways)(carrier, province)[SITES.indexOf("a1")];

test("a way is doubted by two standard errors of its round trip and of its loss", () => {
  const p = (0.02 * 400 + 1) / 402;
  const loss = 0.02 + 2 * Math.sqrt((p * (1 - p)) / 400);
  // 392 came back.
  const rttMs = 30 + 2 * Math.sqrt(10_000 / 392);
  const doubt = costOf({ rttMs, loss }) - costOf({ rttMs: 30, loss: 0.02 });
  expect(tollOf(way({ loss: 0.02, rttVariance: 10_000 }))).toBeCloseTo(WORTH_MS / 2 + doubt, 6);
  expect(tollOf(way({ rttVariance: 10_000 })) - tollOf(way({}))).toBeCloseTo(10, 1);
});

test("the more samples, the less doubt; nothing that comes back has no round trip to doubt", () => {
  const toll = (samples: number) => tollOf(way({ samples, rttVariance: 10_000 }));
  expect(toll(100)).toBeGreaterThan(toll(1_000) + 10);
  expect(toll(1e6)).toBeCloseTo(WORTH_MS / 2, 0);
  expect(tollOf(way({ loss: 1, rttMs: null, rttVariance: null }))).toBeLessThan(WORTH_MS);
});

test("agents that measure different round trips on one way are a doubt of it, too", () => {
  const [near, far] = [way({ rttMs: 20, rttVariance: 36 }), way({ rttMs: 40, rttVariance: 64 })];
  expect(rttOf(near, far)).toMatchObject({ rttMs: 30, rttVariance: 150, samples: 800 });
  expect(rttOf(near, near)).toMatchObject({ rttMs: 20, rttVariance: 36 });
  // An agent of an earlier build does not say.
  expect(rttOf(way({}))).toMatchObject({ rttMs: 30, rttVariance: 0 });
});
