import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Answer =
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string | object;
    }
  /** Close the connection without an answer. */
  | "hang up"
  /** Never answer. */
  | "silence";

/** An HTTP server that says what a test wants an agent to say. `/v1/routes` long-polls. */
export class FakeAgent {
  readonly requests: Request[] = [];
  url = "";
  answer: (request: Request) => Answer | Promise<Answer> = () => ({ status: 500 });
  #tables: object[] = [];
  #etag = 1;
  readonly #polls = new Set<() => void>();
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  static async start(port = 0): Promise<FakeAgent> {
    const agent = new FakeAgent();
    agent.#server.on("connection", (socket) => {
      agent.#sockets.add(socket);
      socket.on("close", () => agent.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => agent.#server.listen(port, "127.0.0.1", resolve));
    agent.url = `http://127.0.0.1:${(agent.#server.address() as AddressInfo).port}`;
    return agent;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** The data requests so far, as `METHOD path`. */
  get accesses(): string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  serveRoutes(...tables: object[]): void {
    this.#tables = tables;
    this.#etag += 1;
    for (const wake of this.#polls) wake();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url!, "http://agent");
    if (url.pathname === "/v1/routes") return this.#routes(url.searchParams.get("after"), response);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request = {
      method: incoming.method!,
      path: url.pathname,
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString("utf8"),
    };
    this.requests.push(request);
    const answer = await this.answer(request);
    if (answer === "hang up") incoming.socket.destroy();
    else if (answer !== "silence") {
      response.writeHead(answer.status, answer.headers ?? {});
      response.end(
        typeof answer.body === "object" ? JSON.stringify(answer.body) : (answer.body ?? ""),
      );
    }
  }

  async #routes(after: string | null, response: ServerResponse): Promise<void> {
    if (after === String(this.#etag)) {
      await new Promise<void>((resolve) => {
        this.#polls.add(resolve);
        response.on("close", resolve);
      });
    }
    response.end(JSON.stringify({ v: 1, etag: String(this.#etag), tables: this.#tables }));
  }
}

export interface RangeRoute {
  readonly lo: number;
  readonly hi: number;
  readonly writer: string;
  readonly generation: number;
  readonly readers?: Record<string, number>;
}

/** A range table of `profile` over the given ranges. Each node `NAME` of `urls` is in region and set `NAME`. */
export function table(
  version: number,
  urls: Record<string, string>,
  routes: readonly RangeRoute[],
): object {
  return {
    keyspace: "profile",
    sharding: "range",
    domain: { lo: String(routes[0]!.lo), hi: String(routes.at(-1)!.hi) },
    version,
    nodes: Object.fromEntries(
      Object.entries(urls).map(([node, url]) => [node, { url, region: node, set: node }]),
    ),
    segments: routes.map(({ lo, hi, writer, generation, readers }) => ({
      lo: String(lo),
      hi: String(hi),
      shard: "p0",
      writer,
      generation: String(generation),
      readers: Object.entries(readers ?? {}).map(([node, weight]) => ({ node, weight })),
    })),
  };
}

export function written(position = "3.1"): Answer {
  return { status: 204, headers: { "ops-position": position } };
}

export function problem(status: number, code: string, more: object = {}): Answer {
  const body = { status, code, detail: code, retryable: status === 503, outcome: "none", ...more };
  return { status, headers: { "content-type": "application/problem+json" }, body };
}

export function wrongNode(owner: string | null, generation: number | null): Answer {
  return problem(421, "wrong-node", {
    owner,
    node: null,
    generation: generation === null ? null : String(generation),
  });
}
