import { ClientError } from "./errors.js";
import type { Patience } from "./patience.js";
import { NoAnswer, type Ask, type Reply, type Transport } from "./transport.js";

/** Bounds the accesses that this client has taken on, and its requests under way. */
export class Admission {
  readonly #waiting: (() => void)[] = [];
  readonly #maxInFlight: number;
  readonly #maxAccesses: number;
  #inFlight = 0;
  #accesses = 0;

  constructor(maxInFlight: number, maxQueued: number) {
    this.#maxInFlight = maxInFlight;
    this.#maxAccesses = maxInFlight + maxQueued;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Accesses that wait: for a request's turn, for an earlier write of their key, or for the next attempt. */
  get queued(): number {
    return Math.max(0, this.#accesses - this.#inFlight);
  }

  /** One access from its call to its result. Throws ClientError `overloaded`. */
  async access<T>(work: () => Promise<T>): Promise<T> {
    if (this.#accesses >= this.#maxAccesses) {
      throw new ClientError(
        "overloaded",
        `${this.#accesses} accesses are already waiting in this client`,
      );
    }
    this.#accesses += 1;
    try {
      return await work();
    } finally {
      this.#accesses -= 1;
    }
  }

  /** Sends when it is the request's turn. Throws NoAnswer, `unsent` when the patience was over before. */
  async send(
    transport: Transport,
    patience: Patience,
    ask: Omit<Ask, "timeoutMs"> & { atMostMs?: number },
  ): Promise<Reply> {
    if (this.#inFlight < this.#maxInFlight) this.#inFlight += 1;
    // The request that ends hands its place over.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      if (patience.over)
        throw new NoAnswer(ask.url, "unsent", "it was not this request's turn in time");
      const { atMostMs, ...rest } = ask;
      return await transport.send({
        ...rest,
        timeoutMs: Math.min(atMostMs ?? Infinity, patience.leftMs),
      });
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inFlight -= 1;
    }
  }
}
