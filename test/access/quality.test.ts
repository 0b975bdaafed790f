import { expect, test } from "vitest";
import { Quality } from "../../src/lib/access/quality.js";

const OPTIONS = { halfLifeMs: 60_000, minSamples: 20, pathsMax: 2 };
const path = { carrier: "telecom", province: "guangdong", site: "sh-1" };

test("quality is unknown with few samples, follows what is new, and is forgotten when nobody reports", () => {
  const quality = new Quality(OPTIONS);
  quality.add(path, { rttMs: 10, sent: 10, lost: 0 }, 0);
  expect(quality.figures(0)).toMatchObject([{ ...path, samples: 10, rttMs: null, loss: null }]);
  quality.add(path, { rttMs: 40, sent: 20, lost: 10 }, 0);
  expect(quality.figures(0)).toMatchObject([{ samples: 30, rttMs: 25, loss: 1 / 3 }]);

  // Five half-lives later the old ones count a thirty-second.
  quality.add(path, { rttMs: null, sent: 30, lost: 30 }, 300_000);
  const [later] = quality.figures(300_000);
  expect(later!.loss).toBeCloseTo((30 + 10 / 32) / (30 + 30 / 32), 10);
  expect(later!.rttMs).toBeCloseTo(25, 10);

  expect(quality.figures(3_600_000)).toEqual([]);
});

test("whoever reports cannot make it grow without end", () => {
  const quality = new Quality(OPTIONS);
  const report = { rttMs: 10, sent: 30, lost: 0 };
  expect(quality.add(path, report, 0)).toBe(true);
  expect(quality.add({ ...path, site: "sh-2" }, report, 0)).toBe(true);
  expect(quality.add({ ...path, site: "sh-3" }, report, 0)).toBe(false);
  expect(quality.figures(0).map(({ site }) => site)).toEqual(["sh-1", "sh-2"]);

  // What nobody has reported for long makes room, also when nobody ever asks for figures.
  const busy = new Quality(OPTIONS);
  for (const site of ["x", "y"]) busy.add({ ...path, site }, report, 0);
  expect(busy.add(path, report, 60_000)).toBe(false);
  expect(busy.add(path, report, 3_600_000)).toBe(true);
});
