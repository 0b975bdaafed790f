import type { Readable } from "node:stream";
import request from "undici/lib/api/api-request.js";
import Agent from "undici/lib/dispatcher/agent.js";
import type { Answer, Reign } from "../../ownership/types.js";
import { HEADER } from "../protocol/headers.js";
import { encodeJson } from "../protocol/json.js";
import {
  type Acknowledgement,
  type ChangesRequest,
  digestAnswer,
  digestPinned,
  type DigestRequest,
  hurryAnswer,
  type HurryRequest,
  ownershipAnswer,
  reignAnswer,
  type OwnershipRequest,
  type SnapshotRequest,
} from "../protocol/peer.js";
import { AgentProblem, readProblem } from "./problem.js";

const CONNECT_MS = 2_000;
/** The source sends a progress frame at least every second. */
const SILENCE_MS = 10_000;

/** What one agent asks of another. Every method throws `AgentProblem`. */
export class Peers {
  /** Streams hold their connection for long, so requests must not queue behind them. */
  readonly #dispatcher = new Agent({
    connections: 1024,
    connect: { timeout: CONNECT_MS },
    bodyTimeout: SILENCE_MS,
    headersTimeout: SILENCE_MS,
  });

  /** `timeoutMs`: for the whole answer. */
  async ownership(url: string, ask: OwnershipRequest, timeoutMs: number): Promise<Answer> {
    const path = `/v1/ownership/${ask.request.kind}`;
    const body = await this.#post(url, path, ask, AbortSignal.timeout(timeoutMs));
    const text = await read(url, body);
    return ownershipAnswer.parse(JSON.parse(text));
  }

  /** Who the peer says it is for the segment: its generation where it reigns over all of it, else null. */
  async reign(
    url: string,
    ask: { keyspace: string; lo: bigint; hi: bigint },
    signal: AbortSignal,
  ): Promise<Reign | null> {
    const body = await this.#post(url, "/v1/ownership/reign", ask, signal);
    return reignAnswer.parse(JSON.parse(await read(url, body))).reign;
  }

  /** The id of the node at that address. */
  async nodeAt(url: string, timeoutMs: number): Promise<string> {
    const answer = await this.#request(url, "/livez", "GET", null, AbortSignal.timeout(timeoutMs));
    const { node } = JSON.parse(await read(url, answer.body)) as { node?: unknown };
    return typeof node === "string" ? node : "unknown";
  }

  async acknowledge(url: string, ask: Acknowledgement): Promise<void> {
    const body = await this.#post(
      url,
      "/v1/replication/acknowledge",
      ask,
      AbortSignal.timeout(5_000),
    );
    await read(url, body);
  }

  /** Up to where in the source's log everything is being sent now. */
  async hurry(url: string, ask: HurryRequest, signal: AbortSignal): Promise<bigint> {
    const body = await this.#post(url, "/v1/replication/hurry", ask, signal);
    return hurryAnswer.parse(JSON.parse(await read(url, body))).through;
  }

  /** Frames, see protocol/frames.ts, the process that sends them, and what it calls the stream. End it with `signal` or by destroying the stream. */
  async changes(
    url: string,
    ask: ChangesRequest,
    signal: AbortSignal,
  ): Promise<{ frames: Readable; process: string | null; stream: string | null }> {
    const path = "/v1/replication/changes";
    const { body, headers } = await this.#request(url, path, "POST", encodeJson(ask), signal);
    const told = (header: string) => {
      const value = headers[header];
      return typeof value === "string" ? value : null;
    };
    return { frames: body, process: told(HEADER.process), stream: told(HEADER.stream) };
  }

  /** Frames of one page, and the source's p99 write latency (ms) when it began. */
  async snapshot(
    url: string,
    ask: SnapshotRequest,
    signal: AbortSignal,
  ): Promise<{ frames: Readable; foregroundP99Ms: number }> {
    const wire = { ...ask, after: ask.after?.toString("base64") ?? null };
    const answer = await this.#request(
      url,
      "/v1/replication/snapshot",
      "POST",
      encodeJson(wire),
      signal,
    );
    return {
      frames: answer.body,
      foregroundP99Ms: Number(answer.headers["ops-foreground-p99-ms"] ?? 0),
    };
  }

  /** Resolves once the source's read transaction is pinned; `digest` follows. */
  async digest(url: string, ask: DigestRequest, signal: AbortSignal) {
    const wire = { ...ask, after: ask.after?.toString("base64") ?? null };
    const body = await this.#post(url, "/v1/replication/digest", wire, signal);
    const lines = linesOf(url, body);
    const pinned = digestPinned.parse(JSON.parse(await nextLine(url, lines)));
    return {
      pinned,
      digest: async () => {
        const answer = digestAnswer.parse(JSON.parse(await nextLine(url, lines)));
        body.destroy();
        return answer;
      },
      abandon: () => void body.destroy(),
    };
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #post(url: string, path: string, body: unknown, signal: AbortSignal): Promise<Readable> {
    const answer = await this.#request(url, path, "POST", encodeJson(body), signal);
    return answer.body;
  }

  async #request(
    url: string,
    path: string,
    method: "GET" | "POST",
    body: string | null,
    signal: AbortSignal,
  ) {
    let answer;
    try {
      answer = await request.call(this.#dispatcher, {
        origin: new URL(url).origin,
        path,
        method,
        body,
        signal,
        headers: body === null ? {} : { "content-type": "application/json" },
      });
    } catch (error) {
      throw new AgentProblem(url, { unreachable: error, sent: method === "POST" });
    }
    if (answer.statusCode >= 300) {
      throw new AgentProblem(url, readProblem(answer.statusCode, await read(url, answer.body)));
    }
    return answer;
  }
}

async function read(url: string, body: Readable): Promise<string> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
  } catch (error) {
    throw new AgentProblem(url, { unreachable: error, sent: true });
  }
}

async function* linesOf(url: string, body: Readable): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of body) {
      rest += (chunk as Buffer).toString("utf8");
      for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
        yield rest.slice(0, end);
        rest = rest.slice(end + 1);
      }
    }
  } catch (error) {
    throw new AgentProblem(url, { unreachable: error, sent: true });
  }
}

async function nextLine(url: string, lines: AsyncGenerator<string>): Promise<string> {
  const line = await lines.next();
  if (line.done !== true) return line.value;
  throw new AgentProblem(url, { unreachable: "the source ended its answer early", sent: true });
}
