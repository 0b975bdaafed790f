import { expect, test } from "vitest";
import type { Counted } from "../../src/lib/schedule/change/gates.js";
import { GATES } from "../support/gates.js";
import { ReceiverWatch } from "../../src/lib/schedule/change/receiver-watch.js";

const gates = { ...GATES, windowSeconds: 10 };
const receivers = [{ site: "b", nodes: ["b-1", "b-2"], onlineUsers: 1_000 }];
const counts = (first: Partial<Counted>, second: Partial<Counted> = {}) => {
  const none = { online: 0, logins: 0, refused: 0, lateMs: null };
  return new Map([
    ["b-1", { ...none, ...first }],
    ["b-2", { ...none, ...second }],
  ]);
};

test("what was refused while users came counts, also when it is over by the end", () => {
  const watch = new ReceiverWatch(receivers, gates, counts({ logins: 500, refused: 90 }));
  expect(watch.verdict(counts({ logins: 580, refused: 120 }))).toEqual([
    "b refused 30 of 110 logins",
  ]);
  // Of so few as many are refused by chance; of many it would be too much.
  expect(watch.verdict(counts({ logins: 580, refused: 110 }))).toEqual([]);
  expect(watch.verdict(counts({ logins: 8_500, refused: 2_090 }))).toEqual([
    "b refused 2.0k of 10.0k logins",
  ]);
});

test("a site that turns bad late is seen by its last window, however well it was before", () => {
  const watch = new ReceiverWatch(receivers, gates, counts({}));
  for (let second = 0; second <= 100; second += 1)
    expect(watch.look(second * 1_000, counts({ logins: 100 * second }))).toEqual([]);
  const bad = counts({ logins: 10_200, refused: 150 });
  expect(watch.look(102_000, bad)).toEqual(["b refused 150 of 1.1k logins"]);
  expect(watch.verdict(bad)).toEqual([]);
});

test("in the first window nothing is said of refusals, but of a site that is full", () => {
  const watch = new ReceiverWatch(receivers, gates, counts({}));
  expect(watch.look(0, counts({}))).toEqual([]);
  expect(watch.look(5_000, counts({ refused: 100 }))).toEqual([]);
  expect(watch.look(6_000, counts({ online: 700 }, { online: 301 }))).toEqual([
    "b has 1.0k users online, and takes 1.0k",
  ]);
  const anyhow = new ReceiverWatch(receivers, { ...gates, maxOnline: null }, counts({}));
  expect(anyhow.look(6_000, counts({ online: 700 }, { online: 301 }))).toEqual([]);
});

test("a gateway that was restarted counts from 0, and hides nothing of the others", () => {
  const watch = new ReceiverWatch(
    receivers,
    gates,
    counts({ logins: 900, refused: 3 }, { logins: 900, refused: 3 }),
  );
  const after = counts({ logins: 20, refused: 20 }, { logins: 910, refused: 5 });
  expect(watch.verdict(after)).toEqual(["b refused 22 of 52 logins"]);
});

test("a gateway whose process is late is told as long as it is, and not one that was so before users came", () => {
  const late = { ...gates, maxLate: { ms: 1_000, ratio: 2 } };
  const watch = new ReceiverWatch(receivers, late, counts({ lateMs: 12 }, { lateMs: 900 }));
  const quiet = counts({ lateMs: 1_000 }, { lateMs: 1_800 });
  expect(watch.look(0, quiet)).toEqual([]);
  expect(watch.verdict(quiet)).toEqual([]);
  const bad = counts({ lateMs: 1_001 }, { lateMs: 1_801 });
  const told = [
    "b-1 of b lets what comes wait for 1s (p99; 12ms before)",
    "b-2 of b lets what comes wait for 1.8s (p99; 900ms before)",
  ];
  for (let second = 1; second <= 30; second += 1)
    expect(watch.look(second * 1_000, bad)).toEqual(told);
  expect(watch.verdict(bad)).toEqual(told);
  // One of an earlier build says nothing of it, and a plan of one does not ask.
  expect(watch.look(31_000, counts({ lateMs: null }))).toEqual([]);
  expect(new ReceiverWatch(receivers, gates, counts({})).verdict(bad)).toEqual([]);
});
