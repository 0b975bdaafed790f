import { setTimeout as sleep } from "node:timers/promises";
import type { View } from "../../engines/contract.js";
import { readable } from "../../ownership/copy.js";
import { ORIGIN } from "../../ownership/position.js";
import type { Peers } from "../client/peer.js";
import { FrameReader } from "../protocol/frame-reader.js";
import type { Frame } from "../protocol/frames.js";
import type { NodeRef } from "../protocol/json.js";
import {
  type ApplyDeps,
  heedSource,
  isMoving,
  type Member,
  type MovingFrame,
  storeChanges,
} from "./apply.js";
import { Backoff } from "./backoff.js";
import { CatchUp } from "./catch-up.js";
import { FlushReports } from "./flush-reports.js";
import type { Holding } from "./holdings.js";
import { Pending, type Received } from "./pending.js";
import { Pins } from "./pins.js";
import type { Routes } from "./routes.js";
import type { Timings } from "./timings.js";

/** Changes of one commit. */
const SMALL_COMMIT = 200;
/** For what is held back to come when it is asked for. */
const HURRY_MS = 1_000;
const RETRY_MS = { first: 50, most: 2_000 };
/** A segment that the source cannot serve now is asked for again after this long. All others are asked for with it, so less and less often. */
const UNSERVED_RETRY_MS = { first: 1_000, most: 10_000 };

export interface FeedDeps extends ApplyDeps {
  readonly self: string;
  readonly peers: Peers;
  readonly timings: Timings;
  readonly routes: Pick<Routes, "settings" | "windowBetween">;
}

/**
 * The change streams of all segments of one keyspace that follow one source, in one request. Applies what comes in order, each
 * segment on its own cursor, and asks again whenever something does not fit.
 */
export class Feed {
  readonly source: NodeRef;
  readonly keyspace: string;
  readonly #deps: FeedDeps;
  #members: readonly Member[] = [];
  #closed = false;
  /** Ends the stream that is open, or the sleep before the next. */
  #round = new AbortController();
  /** The open stream has brought something, or what it brought could not be applied. */
  #served = false;
  #failed = false;
  /** The open stream leaves out a segment, and will be asked for again. */
  #unserved = false;
  readonly #unservedRetries = new Backoff(UNSERVED_RETRY_MS);
  readonly #pending = new Pending();
  #applying: Promise<void> | null = null;
  readonly #pins: Pins;
  /** The process of the source that sends, or sent last. */
  #process: string | null = null;
  readonly #catchUp = new CatchUp();
  /** Of the open stream. */
  #windowMs = 0;
  #reports: FlushReports | null = null;

  constructor(deps: FeedDeps, keyspace: string, source: NodeRef) {
    this.#deps = deps;
    this.keyspace = keyspace;
    this.source = source;
    this.#pins = new Pins({
      engine: deps.engine,
      pending: this.#pending,
      apply: () => this.#apply(),
      applying: () => this.#applying,
    });
    void this.#run();
  }

  /** The holdings that this feed is for, now. Asks anew when they are not the ones of the open stream. */
  set members(holdings: readonly Holding[]) {
    const next = holdings.map((holding) => ({ holding, link: holding.entry.link!.id }));
    const same =
      next.length === this.#members.length &&
      next.every(
        (one, i) =>
          one.holding === this.#members[i]!.holding && one.link === this.#members[i]!.link,
      );
    if (same) return;
    this.#members = next;
    this.#unservedRetries.reset();
    this.#again();
  }

  /** How long it would take to apply what the source has and this node lacks, ms. Null while not streaming. */
  predictedCatchUpMs(): number | null {
    return this.#catchUp.predictedMs();
  }

  /** Asks anew where the routes have changed for how long the source may hold changes back. */
  heedRoutes(): void {
    const windowMs = this.#wantedWindowMs();
    if (windowMs !== this.#windowMs) this.#again();
  }

  /** Has the source send what it holds back, and waits a little until that is applied. */
  async hurry(signal: AbortSignal): Promise<void> {
    if (this.#windowMs === 0) return;
    const { keyspace, source } = this;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(HURRY_MS)]);
    const ask = { keyspace, node: this.#deps.self };
    try {
      const through = await this.#deps.peers.hurry(source.url, ask, patience);
      const isThere = () => this.#catchUp.through !== null && this.#catchUp.through >= through;
      while (!isThere()) await sleep(2, undefined, { signal: patience });
    } catch {
      // Then it comes when its window is over.
      signal.throwIfAborted();
    }
  }

  close(): void {
    this.#closed = true;
    this.#again();
  }

  /** See `Pins`. */
  async pinAt(...pin: Parameters<Pins["at"]>): Promise<View | null> {
    return this.#pins.at(...pin);
  }

  #again(): void {
    this.#catchUp.forget();
    this.#round.abort();
  }

  async #run(): Promise<void> {
    const retries = new Backoff(RETRY_MS);
    while (!this.#closed) {
      this.#round = new AbortController();
      const { signal } = this.#round;
      const members = this.#members;
      try {
        if (members.length === 0) await sleep(60_000, undefined, { signal });
        else await this.#stream(members, signal);
      } catch (error) {
        if (!signal.aborted) this.#fail(members, error);
      }
      // What has been read is applied or forgotten before the cursors are read again, and before what it said of the stream is.
      this.#pending.clear();
      await this.#applying;
      this.#catchUp.forget();
      if (this.#served) retries.reset();
      const failed = this.#failed;
      if (!this.#unserved) this.#unservedRetries.reset();
      this.#unserved = false;
      this.#served = false;
      this.#failed = false;
      if (signal.aborted && !failed) continue;
      await sleep(retries.next());
    }
  }

  #fail(members: readonly Member[], error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    for (const { holding } of members) {
      holding.link.error = reason;
      holding.link.enter("disconnected");
    }
  }

  async #stream(members: readonly Member[], signal: AbortSignal): Promise<void> {
    const { engine, peers, self } = this.#deps;
    const { keyspace, source } = this;
    const known = this.#process;
    const segments = members.map(({ holding: { lo, hi, link } }) => {
      const from = engine.cursor(keyspace, lo) ?? ORIGIN;
      const read = link.read !== null && link.read.process === known ? link.read.through : null;
      return { lo, hi, from, ...(read === null ? {} : { read }) };
    });
    const windowMs = this.#wantedWindowMs();
    this.#windowMs = windowMs;
    const ask = {
      keyspace,
      node: self,
      segments,
      ...(windowMs === 0 ? {} : { windowMs }),
      ...(known === null ? {} : { process: known }),
    };
    const { frames, process, stream } = await peers.changes(source.url, ask, signal);
    this.#process = process;
    this.#reports = new FlushReports(this.#deps, source, keyspace, stream);
    for (const { holding } of members) {
      holding.link.enter("catching-up");
      holding.link.error = null;
    }
    const reader = new FrameReader();
    for await (const chunk of frames) {
      const at = performance.now();
      for (const frame of reader.push(chunk as Buffer)) this.#pending.push(frame, at);
      this.#served = true;
      this.#apply();
      while (this.#pending.isFull && !signal.aborted) {
        await (this.#applying ?? sleep(2, undefined, { signal }));
      }
    }
    throw new Error("the source ended the stream");
  }

  #wantedWindowMs(): number {
    const { routes, self } = this.#deps;
    return routes.windowBetween(this.keyspace, self, this.source.node);
  }

  /** Starts to apply what waits, unless that is under way or halted. */
  #apply(): void {
    if (this.#applying !== null || this.#round.signal.aborted) return;
    const batch = this.#pending.take(this.#members);
    if (batch.length === 0) return;
    this.#applying = this.#applyBatch(batch).then(
      () => {
        this.#applying = null;
        this.#apply();
      },
      (error: unknown) => {
        this.#applying = null;
        this.#failed = true;
        this.#fail(this.#members, error);
        this.#again();
      },
    );
  }

  async #applyBatch(batch: readonly Received[]): Promise<void> {
    const members = this.#members;
    const changes = batch.map(({ frame }) => frame).filter(isMoving);
    const began = performance.now();
    const { touched, misfit } =
      changes.length === 0
        ? { touched: new Set<Holding>(), misfit: false }
        : await storeChanges(this.#deps, members, changes);
    if (changes.length > 0) {
      this.#reports?.changed();
      const ms = performance.now() - began;
      // What a takeover waits for are small commits; a large one says nothing about them.
      if (changes.length <= SMALL_COMMIT) this.#deps.timings.flushed(ms);
      const records = changes.reduce((sum, frame) => sum + recordsOf(frame), 0);
      this.#catchUp.applied(records, ms);
    }
    for (const holding of touched) this.#deps.ownership.applied(holding);
    if (misfit) {
      // What the rest of the batch says rests on the changes that were left out.
      this.#again();
      return;
    }
    for (const { frame, at } of batch) {
      // The segments may follow somebody else by now; if not, the next stream says it again.
      if (this.#round.signal.aborted) return;
      if (frame.type === "progress") this.#progress(members, frame, at);
      else if (!isMoving(frame)) {
        const again = await heedSource(this.#deps, this.source.node, members, frame);
        if (again) this.#askAgainSoon();
      }
    }
  }

  #askAgainSoon(): void {
    if (this.#unserved) return;
    this.#unserved = true;
    const { signal } = this.#round;
    sleep(this.#unservedRetries.next(), undefined, { signal, ref: false }).then(
      () => this.#again(),
      () => undefined,
    );
  }

  /** `at`: when the frame came; everything that the source had then is applied. */
  #progress(
    members: readonly Member[],
    { sent, head, stale }: Extract<Frame, { type: "progress" }>,
    at: number,
  ): void {
    const { routes } = this.#deps;
    const staleness = new Map(stale.map(({ segment, lagMs }) => [segment, lagMs]));
    this.#catchUp.reached(sent, head);
    const read = this.#process === null ? null : { process: this.#process, through: sent };
    for (const [segment, { holding }] of members.entries()) {
      const copy = holding.entry.link?.copy;
      if (copy === undefined || holding.link.phase === "disconnected") continue;
      holding.link.read = read;
      // A source that is itself a copy may get its changes late by a window of its own.
      const held = staleness.has(segment) ? routes.settings(this.keyspace).syncWindowMs : 0;
      holding.link.heldMs = this.#windowMs + held;
      if (sent !== head) continue;
      // A source that is itself a copy is no fresher than it knows to be.
      const lag = staleness.get(segment);
      if (lag === undefined) holding.link.caughtUpAt = at;
      else if (lag !== null) holding.link.caughtUpAt = at - lag;
      if (holding.link.phase === "streaming") continue;
      const cursor = this.#deps.engine.cursor(holding.keyspace, holding.lo) ?? ORIGIN;
      holding.link.enter(readable(copy, cursor) ? "streaming" : "catching-up");
    }
    this.#reports?.flushed(sent, head, performance.now());
  }
}

/** How much of the source's log a frame stands for. */
function recordsOf(frame: MovingFrame): number {
  return frame.type === "changes" ? frame.of : 1;
}
