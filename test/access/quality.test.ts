import { expect, test } from "vitest";
import { Quality } from "../../src/lib/access/quality.js";
import { generator } from "../../src/lib/schedule/simulate/random.js";

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
  expect(quality.figures(0)).toMatchObject([{ ...path, samples: 60, rttMs: 10, loss: 0.5 }]);
  expect(quality.addresses(({ site }) => site === "sh-1", 0)).toEqual([
    { url: "ws://1", samples: 30, loss: 0 },
    { url: "ws://2", samples: 30, loss: 1 },
  ]);
  expect(quality.addresses(({ site }) => site === "sh-2", 0)).toEqual([]);
  quality.keep(({ url }) => url === "ws://1");
  expect(quality.figures(0)).toMatchObject([{ ...path, samples: 30, loss: 0 }]);
});

test("it says how far round trips lie apart: the same of heartbeats and of reports of many", () => {
  const random = generator(1);
  // Even between 20 and 80 ms: a variance of 60^2 / 12.
  const one = () => 20 + 60 * random();
  const [beats, reports] = [new Quality(OPTIONS), new Quality(OPTIONS)];
  for (let i = 0; i < 4_000; i += 1) {
    beats.add(way, { rttMs: one(), sent: 1, lost: 0 }, i);
    const many = 5 + (i % 30);
    let sum = 0;
    for (let j = 0; j < many; j += 1) sum += one();
    reports.add(way, { rttMs: sum / many, sent: many + 2, lost: 2 }, i);
  }
  for (const quality of [beats, reports])
    expect(quality.figures(4_000)[0]!.rttVariance! / 300).toBeCloseTo(1, 0.8);
});

test("one report says nothing of how far round trips lie apart, and what is all the same lies nowhere apart", () => {
  const quality = new Quality(OPTIONS);
  quality.add(way, { rttMs: 50, sent: 100, lost: 0 }, 0);
  expect(quality.figures(0)).toMatchObject([{ rttMs: 50, rttVariance: null }]);
  quality.add(way, { rttMs: null, sent: 100, lost: 100 }, 0);
  expect(quality.figures(0)).toMatchObject([{ rttVariance: null }]);
  quality.add(way, { rttMs: 50, sent: 100, lost: 0 }, 0);
  expect(quality.figures(0)).toMatchObject([{ rttMs: 50, rttVariance: 0 }]);
  quality.add(way, { rttMs: 80, sent: 100, lost: 0 }, 0);
  // 100 * (10^2 + 10^2 + 20^2) / 2
  expect(quality.figures(0)).toMatchObject([{ rttMs: 60, rttVariance: 30_000 }]);
});
