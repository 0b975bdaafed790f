import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Engine, Row, StoredEntry, Txn } from "../../engines/contract.js";
import { type Copying, chunkPinned, chunkStored, copyFinished } from "../../ownership/copy.js";
import type { LogPosition } from "../../ownership/types.js";
import type { Peers } from "../client/peer.js";
import { AgentProblem } from "../client/problem.js";
import { FrameReader } from "../protocol/frame-reader.js";
import { Backoff } from "./backoff.js";
import type { Holding, Holdings } from "./holdings.js";
import { Pace } from "./pace.js";

/** Rows of one commit. */
const COMMIT_BYTES = { least: 64 * 1024, most: 1024 * 1024 };
/** One is on its way to the disk, the next one waits for it, a third is gathered. */
const COMMITS_AHEAD = 2;
/** A throttled copy goes in small even steps: so many commits a second. */
const THROTTLED_COMMITS = 40;
const WIPE_ROWS = 5_000;
const RETRY_MS = { first: 200, most: 5_000 };

export interface CopierDeps {
  readonly self: string;
  readonly engine: Engine;
  readonly holdings: Holdings;
  readonly peers: Peers;
}

/**
 * Copies one segment by snapshot pages, until the entry is streaming. Everything that it has done is stored with the rows,
 * so another copier goes on where it was stopped. Ends when the link is gone or another one.
 */
export class Copier {
  readonly #pace: Pace;
  readonly #deps: CopierDeps;
  readonly #holding: Holding;
  readonly #onTurn: () => void;
  readonly link: string;
  readonly #stopping = new AbortController();
  readonly done: Promise<void>;
  /** Everything has been read, and is being stored. */
  #finishing = false;

  /** `onTurn`: another may have its turn at the source, which has given everything, or does not answer and is asked again and again. */
  constructor(deps: CopierDeps, holding: Holding, onTurn: () => void) {
    this.#deps = deps;
    this.#holding = holding;
    this.#onTurn = onTurn;
    const link = holding.entry.link!;
    this.link = link.id;
    this.#pace = new Pace(link.bytesPerSecond);
    this.#showPace();
    this.done = this.#run();
  }

  /** Bytes per second, or null; also for the page that is under way. */
  set limit(bytesPerSecond: number | null) {
    this.#pace.limit = bytesPerSecond;
    this.#showPace();
  }

  get stalled(): boolean {
    return this.#holding.link.phase === "disconnected";
  }

  get finishing(): boolean {
    return this.#finishing;
  }

  stop(): void {
    this.#stopping.abort();
  }

  #showPace(): void {
    const { rate, reason } = this.#pace;
    this.#holding.link.throttle = { bytesPerSecond: rate, reason };
  }

  async #run(): Promise<void> {
    const { link: state } = this.#holding;
    const { signal } = this.#stopping;
    const retries = new Backoff(RETRY_MS);
    while (!signal.aborted) {
      try {
        state.enter("copying");
        const more = await this.#page();
        state.error = null;
        retries.reset();
        if (!more) return;
      } catch (error) {
        if (signal.aborted || (await this.#cut(error))) return;
        state.error = error instanceof Error ? error.message : String(error);
        state.enter("disconnected");
        this.#finishing = false;
        this.#onTurn();
        await sleep(retries.next(), undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** The source holds the segment in parts: cuts this copy in the same place, and its parts are copied instead. */
  async #cut(error: unknown): Promise<boolean> {
    const at = error instanceof AgentProblem ? error.problem?.splitAt : undefined;
    if (at === undefined) return false;
    const { holdings } = this.#deps;
    const { keyspace, lo, hi } = this.#holding;
    await holdings.cut(keyspace, lo, BigInt(at), () => undefined).catch(() => undefined);
    return holdings.at(keyspace, lo)?.hi !== hi;
  }

  /** Whether more pages follow. */
  async #page(): Promise<boolean> {
    const { peers, self } = this.#deps;
    const holding = this.#holding;
    const link = holding.entry.link;
    if (link === null || link.id !== this.link || link.copy.phase !== "copying") return false;
    const copy = link.copy;
    if (copy.first === null && this.#mayHaveRows()) await this.#wipe();
    const { signal } = this.#stopping;
    const { keyspace, lo, hi } = holding;
    const began = performance.now();
    const answer = await peers.snapshot(
      link.source.url,
      {
        keyspace,
        lo,
        hi,
        node: self,
        after: copy.key === null ? null : Buffer.from(copy.key, "base64"),
        first: copy.first,
      },
      signal,
    );
    const before = holding.link.bytes;
    const complete = await this.#store(answer.frames, copy);
    const rate =
      (holding.link.bytes - before) / Math.max(0.001, (performance.now() - began) / 1000);
    holding.link.bytesPerSecond = Math.round(rate);
    this.#pace.heed(answer.foregroundP99Ms, rate);
    this.#showPace();
    return !complete;
  }

  async #store(frames: Readable, from: Copying): Promise<boolean> {
    const reader = new FrameReader();
    let copy: Copying | null = null;
    let rows: Row[] = [];
    let bytes = 0;
    /** Commits that are under way or wait for their turn, in order. */
    const storing: Promise<void>[] = [];
    const flush = async () => {
      if (copy === null || rows.length === 0) return;
      copy = chunkStored(copy, rows.at(-1)!.place.toString("base64"));
      const [batch, size, to] = [rows, bytes, copy];
      rows = [];
      bytes = 0;
      while (storing.length >= COMMITS_AHEAD) await storing.shift();
      await this.#pace.take(size, this.#stopping.signal);
      const put = this.#put(to, batch, size);
      put.catch(() => undefined);
      storing.push(put);
    };
    for await (const chunk of frames) {
      for (const frame of reader.push(chunk as Buffer)) {
        if (frame.type === "pinned") copy = chunkPinned(from, frame.at);
        else if (frame.type === "row") {
          rows.push({ place: frame.place, value: frame.value });
          bytes += frame.place.length + frame.value.length;
          if (bytes >= this.#commitBytes()) await flush();
        } else if (frame.type === "page-end") {
          await flush();
          if (frame.complete) {
            this.#finishing = true;
            this.#onTurn();
          }
          await Promise.all(storing);
          if (copy === null) throw new Error("a page without a pinned position");
          if (frame.complete) await this.#finish(copy);
          else await this.#change(copy, () => undefined);
          return frame.complete;
        }
      }
    }
    // What is stored stays: the next page goes on from there.
    await Promise.all(storing);
    throw new Error("the source ended the page early");
  }

  #commitBytes(): number {
    const { least, most } = COMMIT_BYTES;
    const { rate } = this.#pace;
    return rate === null ? most : Math.min(most, Math.max(least, rate / THROTTLED_COMMITS));
  }

  async #put(copy: Copying, rows: readonly Row[], bytes: number): Promise<void> {
    const { keyspace, link } = this.#holding;
    await this.#change(copy, (txn) => {
      for (const { place, value } of rows) txn.putRow(keyspace, place, value);
    });
    link.rows += rows.length;
    link.bytes += bytes;
  }

  /** Stores how far the copy is, together with what `work` puts. Throws when the link is not this one any more. */
  async #change(
    copy: StoredCopy,
    work: (txn: Txn) => void,
    more: { floor?: LogPosition; cursor?: LogPosition } = {},
  ): Promise<void> {
    const { keyspace, lo, entry } = this.#holding;
    await this.#deps.engine.write((txn) => {
      const now = txn.entry(keyspace, entry);
      if (now?.link?.id !== this.link) throw new Error("the link was removed");
      work(txn);
      const changed: StoredEntry = { ...now, link: { ...now.link, copy } };
      txn.putEntry(more.floor === undefined ? changed : { ...changed, floor: more.floor });
      if (more.cursor !== undefined) txn.setCursor(keyspace, lo, more.cursor);
    });
    this.#deps.holdings.renew(this.#holding);
  }

  async #finish(copying: Copying): Promise<void> {
    const { copy, cursor } = copyFinished(copying);
    await this.#change(copy, () => undefined, { floor: cursor, cursor });
    this.#holding.link.enter("catching-up");
  }

  /** Whether the segment has rows, as far as a view shows that has this copy's beginning and so all that was written before. */
  #mayHaveRows(): boolean {
    const { keyspace, lo, hi } = this.#holding;
    const view = this.#deps.engine.read();
    try {
      const entry = view.entryAt(keyspace, lo);
      const began = entry?.link?.id === this.link && entry.link.copy.phase === "copying";
      if (!began || entry.lo !== lo || entry.hi !== hi) return true;
      return view.scan(keyspace, { lo, hi }, null, { rows: 1, bytes: 1 }).rows.length > 0;
    } finally {
      view.close();
    }
  }

  /** Rows of an older copy may have been deleted at the source since: they must go first. */
  async #wipe(): Promise<void> {
    const { engine } = this.#deps;
    const { keyspace, entry } = this.#holding;
    for (;;) {
      const removed = await engine.write((txn) => {
        if (txn.entry(keyspace, entry)?.link?.id !== this.link)
          throw new Error("the link was removed");
        return txn.wipe(keyspace, entry, WIPE_ROWS);
      });
      if (removed < WIPE_ROWS || this.#stopping.signal.aborted) return;
    }
  }
}

type StoredCopy = NonNullable<StoredEntry["link"]>["copy"];
