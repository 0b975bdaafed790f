import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Peers } from "../../src/lib/agent/client/peer.js";
import type { ChangesRequest } from "../../src/lib/agent/protocol/peer.js";
import { encodeFrame } from "../../src/lib/agent/protocol/frame-writer.js";
import type { Frame } from "../../src/lib/agent/protocol/frames.js";
import { Feed } from "../../src/lib/agent/server/feed.js";
import { type Holding, Holdings } from "../../src/lib/agent/server/holdings.js";
import { Timings } from "../../src/lib/agent/server/timings.js";
import { ORIGIN } from "../../src/lib/ownership/position.js";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";
import { followerStore, type Store } from "./store.js";

let store: Store;
let feed: Feed;
/** What the feed has asked for, and gets. */
let asks: ChangesRequest[];
let stream: PassThrough | null;
let process: string;
let holding: Holding;
/** What was wrong with the link at each ask. */
let errors: (string | null)[];

beforeEach(async () => {
  store = await followerStore(true);
  stream = null;
  asks = [];
  errors = [];
  process = "first";
  const peers: Pick<Peers, "changes" | "acknowledge"> = {
    changes: async (_url, ask, signal) => {
      asks.push(ask);
      errors.push(holding.link.error);
      const out = new PassThrough();
      signal.addEventListener("abort", () => out.destroy(new Error("aborted")));
      return { frames: (stream = out), process, stream: "s1" };
    },
    acknowledge: async () => undefined,
  };
  const holdings = new Holdings(store.engine);
  holding = holdings.at("p", 0n)!;
  const deps = {
    self: "t",
    engine: store.engine,
    holdings,
    ownership: { applied: () => undefined } as never,
    peers: peers as Peers,
    timings: new Timings(),
    routes: { settings: () => DEFAULT_SETTINGS, windowBetween: () => 0 },
  };
  feed = new Feed(deps, "p", { node: "s", url: "http://s" });
  feed.members = [holding];
  await vi.waitUntil(() => stream !== null);
});
afterEach(async () => {
  feed.close();
  await store.remove();
});

const CAUGHT_UP: Frame = { type: "progress", sent: 5n, head: 5n, stale: [] };

test("a feed whose stream was just cut off predicts nothing from it", async () => {
  stream!.write(encodeFrame(CAUGHT_UP));
  await vi.waitFor(() => expect(feed.predictedCatchUpMs()).toBe(0));
  feed.members = [];
  expect(feed.predictedCatchUpMs()).toBeNull();
});

test("a feed that asks anew tells what it has read, to the process that it has read it of", async () => {
  const readOf = ({ process: of, segments }: ChangesRequest) => [of, segments[0]!.read];
  const cutOff = async () => {
    stream!.destroy(new Error("gone"));
    const asked = asks.length;
    await vi.waitUntil(() => asks.length > asked);
  };
  expect(readOf(asks[0]!)).toEqual([undefined, undefined]);
  stream!.write(encodeFrame(CAUGHT_UP));
  await vi.waitFor(() => expect(feed.predictedCatchUpMs()).toBe(0));
  process = "second";
  await cutOff();
  expect(readOf(asks[1]!)).toEqual(["first", 5n]);
  await cutOff();
  expect(readOf(asks[2]!)).toEqual(["second", undefined]);
});

test("what comes late of a stream that was cut off neither ends a link nor keeps the next stream from being asked for again", async () => {
  const { engine } = store;
  const write = engine.write.bind(engine);
  let release!: () => void;
  const released = new Promise<void>((resolve) => (release = resolve));
  const written = new Promise<void>((resolve) => {
    engine.write = async (work) => {
      resolve();
      await released;
      return write(work);
    };
  });
  const at = { generation: 1n, index: 1n };
  const moved: Frame = { type: "moved", segment: 0, prev: ORIGIN, at };
  const unserved: Frame = { type: "unserved", segment: 0, reason: "ahead" };
  stream!.write(Buffer.concat([moved, unserved].map(encodeFrame)));
  await written;
  feed.members = [];
  feed.members = [holding];
  // Until the feed has heard that the stream is gone.
  while (!stream!.closed) await turn();
  await turn();
  release();
  await vi.waitUntil(() => asks.length === 2);
  expect(errors[1]).toBeNull();
  expect(asks[1]!.segments[0]!.from).toEqual(at);
  stream!.write(encodeFrame(unserved));
  await vi.waitFor(() => expect(holding.link.error).toContain("ahead"));
  await vi.waitUntil(() => asks.length === 3, { timeout: 60_000 });
}, 90_000);
