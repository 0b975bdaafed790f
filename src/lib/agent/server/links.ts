import type { Holding, Holdings } from "./holdings.js";
import { Copier, type CopierDeps } from "./copier.js";
import { Feed, type FeedDeps } from "./feed.js";
import type { Routes } from "./routes.js";

/** Segments that are copied at once, from one source one after the other; the rest waits for its turn. */
const MOST_COPIERS = 8;

type LinksDeps = FeedDeps & CopierDeps & { readonly routes: Pick<Routes, "onChange"> };

/** Keeps every copy of this node going: a copier for each segment that is being copied, a feed for each source and keyspace. */
export class Links {
  readonly #deps: LinksDeps;
  readonly #holdings: Holdings;
  readonly #copiers = new Map<Holding, Copier>();
  readonly #feeds = new Map<string, Feed>();
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

  /** The stream that keeps the holding up to date; null while it is copied or primary. */
  feedOf(holding: Holding): Feed | null {
    return holding.entry.link === null ? null : (this.#feeds.get(feedKey(holding)) ?? null);
  }

  close(): void {
    this.#closed = true;
    for (const copier of this.#copiers.values()) copier.stop();
    for (const feed of this.#feeds.values()) feed.close();
  }

  #reconcileCopiers(all: readonly Holding[]): void {
    const wanted = new Set(all.filter(({ entry }) => entry.link?.copy.phase === "copying"));
    for (const [holding, copier] of this.#copiers) {
      if (wanted.has(holding) && copier.link === holding.entry.link?.id) {
        copier.limit = holding.entry.link.bytesPerSecond;
        continue;
      }
      copier.stop();
      this.#copiers.delete(holding);
    }
    // One that waits for its source keeps no other from its turn.
    const busy = [...this.#copiers].filter(([, { stalled }]) => !stalled);
    const sources = new Set(busy.map(([holding]) => feedKey(holding)));
    for (const holding of wanted) {
      if (sources.size >= MOST_COPIERS) return;
      const source = feedKey(holding);
      if (this.#copiers.has(holding) || sources.has(source)) continue;
      this.#copiers.set(holding, new Copier(this.#deps, holding, () => this.reconcile()));
      sources.add(source);
    }
  }
}

function feedKey({ keyspace, entry }: Holding): string {
  const source = entry.link!.source;
  return `${keyspace} ${source.node} ${source.url}`;
}
