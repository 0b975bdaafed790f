/**
 * Until when a change stream may hold back what is in the log, so that of a key that changes again only the last value is sent.
 * Nothing is kept for it: what is held back has not been read yet.
 */
export class Window {
  readonly ms: number;
  readonly #onEnd: () => void;
  /** Monotonic, ms: when the stream was last at the end of the log. */
  #began = -Infinity;
  #ended = true;
  /** Sequences of the log at which the follower must be able to stop, rising. */
  #cuts: bigint[] = [];

  constructor(ms: number, onEnd: () => void) {
    this.ms = ms;
    this.#onEnd = onEnd;
  }

  /** The stream has sent everything: from now on changes are gathered. */
  begin(now: number): void {
    this.#began = now;
    this.#ended = false;
  }

  /** What is held back is sent at once. */
  end(): void {
    if (this.ms === 0) return;
    this.#ended = true;
    this.#onEnd();
  }

  /** The same for everything up to this sequence, and what comes after it is sent apart. */
  cut(at: bigint): void {
    if (this.ms === 0 || (this.#cuts.at(-1) ?? -1n) >= at) return;
    this.#cuts.push(at);
    this.#onEnd();
  }

  /** How far may be read in one go, from `sequence` on; null for as far as the log goes. */
  limit(sequence: bigint): bigint | null {
    this.#cuts = this.#cuts.filter((at) => at > sequence);
    return this.#cuts[0] ?? null;
  }

  /** For how much longer what is there may be held back, ms; 0 for not at all. */
  leftMs(now: number, sequence: bigint): number {
    if (this.ms === 0 || this.#ended || this.limit(sequence) !== null) return 0;
    return Math.max(0, this.#began + this.ms - now);
  }
}

/** The windows of all change streams that this node sends. */
export class Windows {
  readonly #open = new Set<{ keyspace: string; node: string; window: Window }>();

  /** `onEnd`: the stream has to look. Returns the window, and how to forget it. */
  open(
    {
      keyspace,
      node,
      windowMs = 0,
    }: { keyspace: string; node: string; windowMs?: number | undefined },
    onEnd: () => void,
  ): { window: Window; close: () => void } {
    const window = new Window(windowMs, onEnd);
    const one = { keyspace, node, window };
    this.#open.add(one);
    return { window, close: () => void this.#open.delete(one) };
  }

  /** Ends those of a keyspace, of all followers or of one. */
  end(keyspace: string, node?: string): void {
    for (const one of this.#open) {
      if (one.keyspace === keyspace && (node ?? one.node) === one.node) one.window.end();
    }
  }

  /** Somebody compares what is here at this sequence of the log: every follower must be able to stop there. */
  cut(keyspace: string, at: bigint): void {
    for (const one of this.#open) if (one.keyspace === keyspace) one.window.cut(at);
  }
}
