import request from "undici/lib/api/api-request.js";
import Pool from "undici/lib/dispatcher/pool.js";
import { problem, type Problem } from "../agent/protocol/problem.js";
import { ClientError } from "./errors.js";

export interface Ask {
  readonly url: string;
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer | string | null;
  /** Until the answer begins. */
  readonly timeoutMs: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/**
 * What became of a request without an answer. `unsent`: it never left. `settled`: the node closed the connection, so it took
 * effect or never will. `open`: this side gave up; it may still take effect.
 */
export type Fate = "unsent" | "settled" | "open";

export class NoAnswer extends Error {
  readonly fate: Fate;

  constructor(url: string, fate: Fate, cause: unknown) {
    super(`${url}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = "NoAnswer";
    this.fate = fate;
  }
}

const CONNECT_MS = 1_000;
const UNSENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const SETTLED = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/** Kept-alive connections to agents. */
export class Transport {
  readonly #pools = new Map<string, Pool>();
  readonly #connections: number;
  #closed = false;

  /** @param connections at most, to one agent: as many as requests under way, so that none waits where no timeout counts. */
  constructor(connections: number) {
    this.#connections = connections;
  }

  /** Throws NoAnswer. */
  async send(ask: Ask): Promise<Reply> {
    const pool = this.#pool(ask.url);
    try {
      const answer = await request.call(pool, {
        method: ask.method,
        path: ask.path,
        headers: ask.headers,
        body: ask.body,
        headersTimeout: ask.timeoutMs,
        bodyTimeout: Math.max(ask.timeoutMs, 1_000),
      });
      const body = Buffer.from(await answer.body.arrayBuffer());
      return { status: answer.statusCode, headers: answer.headers, body };
    } catch (error) {
      throw new NoAnswer(ask.url, this.#closed ? "open" : fateOf(error), error);
    }
  }

  /** Requests under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  #pool(url: string): Pool {
    if (this.#closed) throw new ClientError("closed", "the client is closed");
    let pool = this.#pools.get(url);
    if (!pool) {
      pool = new Pool(url, { connections: this.#connections, connect: { timeout: CONNECT_MS } });
      this.#pools.set(url, pool);
    }
    return pool;
  }
}

function fateOf(error: unknown): Fate {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string") return "open";
  if (UNSENT.has(code)) return "unsent";
  return SETTLED.has(code) ? "settled" : "open";
}

/** Reads problem+json; anything else becomes `bad-answer`, of which nobody knows what it did. */
export function problemOf(status: number, body: string): Problem {
  try {
    return problem.parse(JSON.parse(body));
  } catch {
    const detail = `HTTP ${status}: ${body.slice(0, 200)}`;
    return {
      status,
      code: "bad-answer",
      detail,
      retryable: false,
      outcome: status < 500 ? "none" : "unknown",
    };
  }
}
