import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Acknowledgements, type Flushed } from "../../src/lib/agent/server/acknowledgements.js";
import { FlushReports } from "../../src/lib/agent/server/flush-reports.js";
import { FollowerStreams } from "../../src/lib/agent/server/follower-streams.js";
import type { Holdings } from "../../src/lib/agent/server/holdings.js";
import { type Lane, lanesOf } from "../../src/lib/agent/server/lanes.js";
import { Timings } from "../../src/lib/agent/server/timings.js";
import type { Acknowledgement } from "../../src/lib/agent/protocol/peer.js";
import { ORIGIN } from "../../src/lib/ownership/position.js";

const SETS: Readonly<Record<string, string>> = {
  me: "one",
  near: "one",
  far: "two",
  far2: "three",
};

let streams: FollowerStreams;
let handed: { readonly to: string; readonly generation: bigint } | null;
let changed: () => void;
let routesChanged: () => void;
let ack: "follower" | "local";
let acks: Acknowledgements;

beforeEach(() => {
  vi.useFakeTimers();
  streams = new FollowerStreams();
  handed = null;
  ack = "follower";
  const holdings = {
    onChange: (listener: () => void) => void (changed = listener),
    at: () => ({ entry: { ownership: { handed } } }),
  };
  acks = new Acknowledgements({
    self: "me",
    holdings: holdings as unknown as Holdings,
    routes: {
      settings: (keyspace) => ({ ack: keyspace === "p" ? ack : "local", syncWindowMs: 0 }),
      onChange: (listener) => void (routesChanged = listener),
      setOf: (_keyspace, node) => SETS[node] ?? null,
    },
    streams,
    onEnd: () => undefined,
  });
});
afterEach(() => void vi.useRealTimers());

/** A stream of two segments, [0, 10) and [10, 20). */
function listen(id: string, node: string): { lanes: readonly Lane[]; end: () => void } {
  const segments = [0n, 10n].map((lo) => ({ lo, hi: lo + 10n, from: ORIGIN }));
  const lanes = lanesOf({ keyspace: "p", node, segments });
  return { lanes, end: streams.open({ id, keyspace: "p", node, lanes }) };
}

function write(position: bigint, sequence: bigint): Flushed {
  return { position, sequence, generation: 3n };
}

/** How a wait stands: what is left of it once it has ended. */
function wait(...writes: Flushed[]): { left: readonly Flushed[] | null } {
  const state: { left: readonly Flushed[] | null } = { left: null };
  void acks.unacknowledged("p", writes).then((left) => (state.left = left));
  return state;
}

const refused = (position = 5n) => acks.refusal("p", position)?.problem.code ?? null;

test("a follower that has been silent for longer than it may be does not listen any more", () => {
  listen("b", "far");
  streams.report("b", 9n);
  vi.advanceTimersByTime(2_500);
  expect(refused()).toBeNull();
  vi.advanceTimersByTime(1_000);
  expect(refused()).toBe("no-follower");
  // It need not have more to tell.
  streams.report("b", 9n);
  expect(refused()).toBeNull();
});

test("writes that wait are acknowledged when the keyspace goes on without followers", async () => {
  listen("b", "far");
  streams.report("b", 9n);
  const waiting = wait(write(5n, 12n));
  ack = "local";
  routesChanged();
  await vi.advanceTimersByTimeAsync(0);
  expect(waiting.left).toEqual([]);
});

test("a write may be made once a follower in another set has spoken on its stream", () => {
  expect(acks.refusal("other", 5n)).toBeNull();
  expect(refused()).toBe("no-follower");
  listen("a", "near");
  const far = listen("b", "far");
  listen("c", "of no table");
  for (const id of ["a", "c", "unknown"]) streams.report(id, 9n);
  expect(refused()).toBe("no-follower");
  streams.report("b", 0n);
  expect([refused(), refused(25n)]).toEqual([null, "no-follower"]);
  far.lanes[0]!.ended = true;
  expect([refused(), refused(15n)]).toEqual(["no-follower", null]);
  far.end();
  expect(refused(15n)).toBe("no-follower");
});

test("a write is acknowledged by a report on an open stream of its segment, at or after it", async () => {
  const first = listen("a", "far");
  listen("n", "near");
  const waits = wait(write(5n, 7n), write(15n, 8n));
  streams.report("a", 7n);
  streams.report("n", 99n);
  await vi.advanceTimersByTimeAsync(1);
  expect(waits.left).toBeNull();
  // The segment is cut: what is said on the old stream says nothing of it any more, nor when it is closed.
  first.lanes[1]!.ended = true;
  streams.report("a", 50n);
  first.end();
  listen("b", "far");
  streams.report("a", 60n);
  await vi.advanceTimersByTimeAsync(1);
  expect(waits.left).toBeNull();
  streams.report("b", 8n);
  await vi.advanceTimersByTimeAsync(1);
  expect(waits.left).toEqual([]);
  // A cold slice inherits: what the follower has of the log is what counts.
  expect(await acks.unacknowledged("p", [write(15n, 8n)])).toEqual([]);
});

test("a later handover to a node in another set acknowledges what was written before", async () => {
  const waits = wait(write(5n, 7n));
  for (const record of [
    { to: "near", generation: 4n },
    { to: "far", generation: 3n },
  ]) {
    handed = record;
    changed();
    await vi.advanceTimersByTimeAsync(1);
    expect(waits.left).toBeNull();
  }
  handed = { to: "far", generation: 4n };
  changed();
  await vi.advanceTimersByTimeAsync(1);
  expect(waits.left).toEqual([]);
});

test("whoever waits is told in time, also when the agent stops", async () => {
  listen("a", "far");
  const waits = wait(write(5n, 7n), write(5n, 9n));
  streams.report("a", 7n);
  await vi.runAllTimersAsync();
  expect(waits.left).toEqual([write(5n, 9n)]);
  const stopped = wait(write(5n, 10n));
  acks.close();
  await vi.advanceTimersByTimeAsync(1);
  expect(stopped.left).toEqual([write(5n, 10n)]);
});

test("only so many writes may wait, and none of a keyspace where nobody waits", () => {
  const places = acks.enter("p", 20_000);
  expect([places, acks.enter("p", 1), acks.enter("other", 50_000)]).toEqual([20_000, null, 0]);
  acks.leave(places!);
  expect([acks.enter("p", 1), acks.waiting]).toEqual([1, 1]);
});

test("a follower reports each flush while writes wait, a few at once, and else now and then", async () => {
  const told: Acknowledgement[] = [];
  const answers: (() => void)[] = [];
  const acknowledge = async (_url: string, what: Acknowledgement) => {
    told.push(what);
    await new Promise<void>((resolve) => answers.push(resolve));
  };
  let ack: "local" | "follower" = "follower";
  const routes = { settings: () => ({ ack, syncWindowMs: 0 }) };
  const deps = { self: "far", peers: { acknowledge }, timings: new Timings(), routes };
  const reports = new FlushReports(deps, { node: "me", url: "http://me" }, "p", "s1");
  const answer = async () => {
    answers.shift()!();
    await vi.advanceTimersByTimeAsync(0);
  };
  let now = 0;
  const flush = (through: bigint, head = through) => {
    reports.changed();
    reports.flushed(through, head, (now += 1));
  };
  const throughs = () => told.map(({ through }) => through);
  flush(1n);
  expect(told).toEqual([{ keyspace: "p", node: "far", through: 1n, stream: "s1" }]);
  // Without a change there is nothing to tell, but until all is here that was there when the stream was opened.
  reports.flushed(1n, 1n, (now += 1));
  flush(2n, 3n);
  reports.flushed(3n, 3n, (now += 1));
  reports.flushed(3n, 3n, (now += 1));
  expect(throughs()).toEqual([1n, 2n, 3n]);
  for (let through = 4n; through <= 9n; through += 1n) flush(through);
  expect(throughs()).toEqual([1n, 2n, 3n, 4n]);
  await answer();
  expect(throughs()).toEqual([1n, 2n, 3n, 4n, 9n]);
  while (answers.length > 0) await answer();
  ack = "local";
  flush(10n);
  expect(throughs().at(-1)).toBe(9n);
  reports.flushed(10n, 10n, now + 1_000);
  expect(throughs().at(-1)).toBe(10n);
});
