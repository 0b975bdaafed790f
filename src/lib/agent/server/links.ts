import type { Holding, Holdings } from "./holdings.js";
import { Copier, type CopierDeps } from "./copier.js";
import { Feed, type FeedDeps } from "./feed.js";
import type { Routes } from "./routes.js";

/** Segments that are copied at once, from one source one after the other; the rest waits for its turn. */
const MOST_COPIERS = 8;
/** Those that have been read and are being stored share their commits, and keep no other from its turn. */
const MOST_FINISHING = 16;
/** A stream is asked for anew, with all its segments, when one joins it: those that are copied one soon after the other join together. */
const JOIN_MS = 200;

type LinksDeps = FeedDeps & CopierDeps & { readonly routes: Pick<Routes, "onChange"> };

/** Keeps every copy of this node going: a copier for each segment that is being copied, a feed for each source and keyspace. */
export class Links {
  readonly #deps: LinksDeps;
  readonly #holdings: Holdings;
  readonly #copiers = new Map<Holding, Copier>();
  /** Those that wait for their turn to be copied, by source, in order. */
  #waiting = new Map<string, Holding[]>();
  readonly #feeds = new Map<string, Feed>();
  #joining: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(deps: LinksDeps) {
    this.#deps = deps;
    this.#holdings = deps.holdings;
    deps.holdings.onChange(() => this.reconcile());
    deps.routes.onChange(() => {
      for (const feed of this.#feeds.values()) feed.heedRoutes();
    });
  }

  /** Starts, changes and ends copiers and feeds so that they are what the entries ask for. */
  reconcile(): void {
    if (this.#closed) return;
    const all = this.#holdings.all();
    this.#reconcileCopiers(all);
    this.#reconcileFeeds(all);
  }

  /** The stream that keeps the holding up to date; null while it is copied or primary. */
  feedOf(holding: Holding): Feed | null {
    return holding.entry.link === null ? null : (this.#feeds.get(feedKey(holding)) ?? null);
  }

  close(): void {
    this.#closed = true;
    if (this.#joining !== null) clearTimeout(this.#joining);
    for (const copier of this.#copiers.values()) copier.stop();
    for (const feed of this.#feeds.values()) feed.close();
  }

  #reconcileFeeds(all: readonly Holding[]): void {
    if (this.#joining !== null) clearTimeout(this.#joining);
    this.#joining = null;
    const groups = new Map<string, Holding[]>();
    for (const holding of all) {
      const link = holding.entry.link;
      if (link === null || link.copy.phase !== "streaming") continue;
      const key = feedKey(holding);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [holding]);
      else group.push(holding);
    }
    for (const [key, feed] of this.#feeds) {
      if (groups.has(key)) continue;
      feed.close();
      this.#feeds.delete(key);
    }
    for (const [key, members] of groups) {
      let feed = this.#feeds.get(key);
      if (feed === undefined) {
        const first = members[0]!;
        feed = new Feed(this.#deps, first.keyspace, first.entry.link!.source);
        this.#feeds.set(key, feed);
      }
      feed.members = members;
    }
  }

  #reconcileCopiers(all: readonly Holding[]): void {
    const wanted = new Set(all.filter(({ entry }) => entry.link?.copy.phase === "copying"));
    for (const [holding, copier] of this.#copiers) {
      if (wanted.has(holding) && copier.link === holding.entry.link?.id) {
        copier.limit = holding.entry.link.bytesPerSecond;
        wanted.delete(holding);
        continue;
      }
      copier.stop();
      this.#copiers.delete(holding);
    }
    this.#waiting = new Map();
    for (const holding of wanted) {
      const source = feedKey(holding);
      const queue = this.#waiting.get(source);
      if (queue === undefined) this.#waiting.set(source, [holding]);
      else queue.push(holding);
    }
    this.#startCopiers();
  }

  #startCopiers(): void {
    if (this.#closed) return;
    // One that waits for its source keeps no other from its turn.
    const live = [...this.#copiers].filter(([, { stalled }]) => !stalled);
    const busy = live.filter(([, { finishing }]) => !finishing);
    if (live.length - busy.length >= MOST_FINISHING) return;
    const sources = new Set(busy.map(([holding]) => feedKey(holding)));
    for (const [source, queue] of this.#waiting) {
      if (sources.size >= MOST_COPIERS) return;
      if (sources.has(source)) continue;
      const holding = queue.shift()!;
      if (queue.length === 0) this.#waiting.delete(source);
      const copier = new Copier(this.#deps, holding, () => this.#startCopiers());
      this.#copiers.set(holding, copier);
      sources.add(source);
      void copier.done.then(() => this.#copied(holding, copier));
    }
  }

  #copied(holding: Holding, copier: Copier): void {
    if (this.#closed || this.#copiers.get(holding) !== copier) return;
    this.#copiers.delete(holding);
    this.#startCopiers();
    const join = () => this.#reconcileFeeds(this.#holdings.all());
    if (this.#copiers.size === 0) join();
    else this.#joining ??= setTimeout(join, JOIN_MS);
  }
}

function feedKey({ keyspace, entry }: Holding): string {
  const source = entry.link!.source;
  return `${keyspace} ${source.node} ${source.url}`;
}
