import { afterEach, expect, test, vi } from "vitest";
import { SharedCount } from "../../../src/lib/access/gateway/shared-count.js";
import { Sites } from "./sites.js";

let sites: Sites | null = null;
afterEach(() => sites?.stop());

/** Counts that end when they are told to, each with its number. */
function counting() {
  const ends: (() => void)[] = [];
  let now = 0;
  const count = new SharedCount(
    () => new Promise<number>((resolve) => ends.push(() => resolve(ends.length))),
    () => now,
  );
  return { count, ends, pass: (ms: number) => (now += ms) };
}

test("who asks while a count goes on, or up to 2 s after, gets the same answer", async () => {
  const { count, ends, pass } = counting();
  const first = count.ask();
  pass(10_000);
  const second = count.ask();
  ends[0]!();
  expect(await Promise.all([first, second])).toEqual([1, 1]);
  pass(1_999);
  expect(await count.ask()).toBe(1);
  expect(ends).toHaveLength(1);
  pass(1);
  const later = count.ask();
  ends[1]!();
  expect(await later).toBe(2);
});

test("after what it counts has changed nobody gets an answer from before, nor from a count that had begun", async () => {
  const { count, ends } = counting();
  const first = count.ask();
  count.forget();
  const second = count.ask();
  expect(ends).toHaveLength(2);
  ends[0]!();
  await first;
  const third = count.ask();
  ends[1]!();
  expect(await Promise.all([second, third])).toEqual([2, 2]);
  expect(ends).toHaveLength(2);
});

test("a gateway looks at each of its sessions once for all who ask at a time, and anew for other homes", async () => {
  let asked = 0;
  let home = "b";
  const homeOf = (): string => {
    asked += 1;
    return home;
  };
  sites = await Sites.start({ a: { homeOf } });
  const crowd = sites.crowd(30);
  await crowd.start(1_000);
  await vi.waitFor(() => expect(crowd.figures().online).toBe(30), { timeout: 20_000 });
  const gateway = sites.gateway("a");
  const counted = async () =>
    (await gateway.elsewhere()).reduce((sum, { sessions }) => sum + sessions, 0);
  expect(await Promise.all([counted(), counted(), counted()])).toEqual([30, 30, 30]);
  expect(asked).toBe(30);
  home = "a";
  gateway.homesChanged();
  expect(await counted()).toBe(0);
  expect(asked).toBe(60);
});
