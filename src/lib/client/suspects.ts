const FOR_MS = 1_000;

/** Nodes that did not answer a moment ago: reads go to others first. */
export class Suspects {
  readonly #until = new Map<string, number>();

  add(url: string): void {
    this.#until.set(url, performance.now() + FOR_MS);
  }

  clear(url: string): void {
    if (this.#until.size > 0) this.#until.delete(url);
  }

  /** The same nodes, those under suspicion last. */
  last(urls: readonly string[]): readonly string[] {
    if (this.#until.size === 0) return urls;
    const now = performance.now();
    const suspect = (url: string): number => ((this.#until.get(url) ?? 0) > now ? 1 : 0);
    return urls.toSorted((a, b) => suspect(a) - suspect(b));
  }
}
