import { expect, test } from "vitest";
import { Quality } from "../../src/lib/access/quality.js";

const OPTIONS = { halfLifeMs: 60_000, minSamples: 20, waysMax: 2 };
const path = { carrier: "telecom", province: "guangdong", site: "sh-1" };
const way = { ...path, url: null };

test("quality is unknown with few samples, follows what is new, and is forgotten when nobody reports", () => {
  const quality = new Quality(OPTIONS);
  quality.add(way, { rttMs: 10, sent: 10, lost: 0 }, 0);
  expect(quality.figures(0)).toMatchObject([{ ...path, samples: 10, rttMs: null, loss: null }]);
  quality.add(way, { rttMs: 40, sent: 20, lost: 10 }, 0);
  expect(quality.figures(0)).toMatchObject([{ samples: 30, rttMs: 25, loss: 1 / 3 }]);

  // Five half-lives later the old ones count a thirty-second.
  quality.add(way, { rttMs: null, sent: 30, lost: 30 }, 300_000);
  const [later] = quality.figures(300_000);
  expect(later!.loss).toBeCloseTo((30 + 10 / 32) / (30 + 30 / 32), 10);
  expect(later!.rttMs).toBeCloseTo(25, 10);

  expect(quality.figures(3_600_000)).toEqual([]);
});

test("whoever reports cannot make it grow without end", () => {
  const quality = new Quality(OPTIONS);
  const report = { rttMs: 10, sent: 30, lost: 0 };
  expect(quality.add(way, report, 0)).toBe(true);
  expect(quality.add({ ...way, site: "sh-2" }, report, 0)).toBe(true);
  expect(quality.add({ ...way, site: "sh-3" }, report, 0)).toBe(false);
  expect(quality.figures(0).map(({ site }) => site)).toEqual(["sh-1", "sh-2"]);

  // What nobody has reported for long makes room, also when nobody ever asks for figures.
  const busy = new Quality(OPTIONS);
  for (const site of ["x", "y"]) busy.add({ ...way, site }, report, 0);
  expect(busy.add(way, report, 60_000)).toBe(false);
  expect(busy.add(way, report, 3_600_000)).toBe(true);
});

test("addresses of a site count together, and those that are gone count no more", () => {
  const quality = new Quality(OPTIONS);
  quality.add({ ...path, url: "ws://1" }, { rttMs: 10, sent: 30, lost: 0 }, 0);
  quality.add({ ...path, url: "ws://2" }, { rttMs: null, sent: 30, lost: 30 }, 0);
  expect(quality.figures(0)).toEqual([{ ...path, samples: 60, rttMs: 10, loss: 0.5 }]);
  expect(quality.addresses(({ site }) => site === "sh-1", 0)).toEqual([
    { url: "ws://1", samples: 30, loss: 0 },
    { url: "ws://2", samples: 30, loss: 1 },
  ]);
  expect(quality.addresses(({ site }) => site === "sh-2", 0)).toEqual([]);
  quality.keep(({ url }) => url === "ws://1");
  expect(quality.figures(0)).toMatchObject([{ ...path, samples: 30, loss: 0 }]);
});
