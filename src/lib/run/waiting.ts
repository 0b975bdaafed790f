import type { RunContext } from "./context.js";
import type { Failure } from "./journal/records.js";

/** Between two words about the same wait. */
const EVERY_MS = 10_000;

type Told = Pick<RunContext, "clock" | "emit">;

/** Says every so often, until `over` is aborted, that something is still waited for. `until`: milliseconds since 1970. */
export async function tellWaiting(
  { clock, emit }: Told,
  what: {
    readonly step: string | null;
    readonly node: string | null;
    readonly message: () => string;
  },
  until: number,
  over: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(EVERY_MS, over);
    if (over.aborted) return;
    const { step, node, message } = what;
    const leftMs = Math.max(0, until - clock.now());
    emit({ type: "waiting", step, node, message: message(), leftMs });
  }
}

/** What is said about a node that a run needs and that does not answer, from its second failure in a row on. */
export class NodeWait {
  readonly #context: Told;
  readonly #step: string | null;
  readonly #node: string;
  readonly #until: number;
  readonly #over = new AbortController();
  #failures = 0;
  #telling: Promise<void> | null = null;

  constructor(context: Told, step: string | null, node: string, until: number) {
    this.#context = context;
    this.#step = step;
    this.#node = node;
    this.#until = until;
  }

  failed(error: Failure, inMs: number): void {
    this.#failures += 1;
    if (this.#failures !== 2) return;
    const { clock, emit } = this.#context;
    const about = { step: this.#step, node: this.#node };
    const leftMs = Math.max(0, this.#until - clock.now());
    emit({ type: "retry", ...about, error, inMs, leftMs });
    const told = { ...about, message: () => `${this.#node} does not answer` };
    this.#telling = tellWaiting(this.#context, told, this.#until, this.#over.signal);
  }

  answered(): void {
    if (this.#telling !== null)
      this.#context.emit({ type: "answered", step: this.#step, node: this.#node });
  }

  async end(): Promise<void> {
    this.#over.abort();
    await this.#telling;
  }
}
