import request from "undici/lib/api/api-request.js";
import Pool from "undici/lib/dispatcher/pool.js";
import type { z } from "zod";
import type { RouteTable } from "../../routing/table.js";
import { encodeTable, routesAnswer, type RoutesAnswer } from "../../routing/wire.js";
import {
  type AccessAnswer,
  accessAnswer,
  type ElsewhereAnswer,
  elsewhereAnswer,
  type SessionsAnswer,
  sessionsAnswer,
} from "../protocol/gateway.js";
import { type Authority, HEADER } from "../protocol/headers.js";
import { encodeJson, type NodeRef } from "../protocol/json.js";
import {
  type Histogram,
  type LineageRequest,
  histogram,
  type NodeStatus,
  nodeStatus,
  type Stats,
  stats,
} from "../protocol/node.js";
import { type Operation, operation, type OperationRequest } from "../protocol/operation.js";
import { reachAnswer, type ReachAnswer } from "../protocol/peer.js";
import { Shared } from "./shared.js";
import type { PolicyDocument } from "../../policy/document.js";
import { encodePolicy } from "../../policy/wire.js";
import {
  type PolicyAnswer,
  policyAnswer,
  type QualityAnswer,
  qualityAnswer,
} from "../protocol/access.js";
import { AgentProblem, readProblem } from "./problem.js";

/** Errors that say that the connection was never made, so nothing was sent. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

export interface AgentClientOptions {
  /** For an answer to begin, beyond the wait that the request itself asks for. */
  readonly timeoutMs?: number;
}

interface Ask {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly authority?: Authority;
  /** How long the agent may hold the request on purpose. */
  readonly waitMs?: number;
}

/** The control API of one agent. Every method throws `AgentProblem`. */
export class AgentClient {
  readonly url: string;
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #node = new Shared(() => this.#ask(nodeStatus, { method: "GET", path: "/v1/node" }));

  constructor(url: string, options: AgentClientOptions = {}) {
    this.url = url.replace(/\/$/, "");
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    this.#pool = new Pool(this.url, {
      connections: 32,
      connect: { timeout: Math.min(this.#timeoutMs, 3_000) },
      bodyTimeout: 0,
    });
  }

  /** Those who ask while an answer is on its way share the next one: it is long, and a run asks for it all the time. */
  node(): Promise<NodeStatus> {
    return this.#node.get();
  }

  /** Null when the agent does not know the operation. */
  async operation(id: string): Promise<Operation | null> {
    return this.#findOperation({ method: "GET", path: `/v1/operations/${id}` });
  }

  /** Waits up to `waitMs` for a revision above `afterRev`. Null when the agent does not know the operation. */
  async waitOperation(id: string, afterRev: number, waitMs: number): Promise<Operation | null> {
    const path = `/v1/operations/${id}?wait=${waitMs}ms&after=${afterRev}`;
    return this.#findOperation({ method: "GET", path, waitMs });
  }

  async putOperation(
    id: string,
    request: OperationRequest,
    authority: Authority,
  ): Promise<Operation> {
    const path = `/v1/operations/${id}`;
    return this.#ask(operation, { method: "PUT", path, body: request, authority });
  }

  async cancelOperation(id: string, authority: Authority): Promise<void> {
    await this.#text({ method: "DELETE", path: `/v1/operations/${id}`, authority });
  }

  /** Tells the agent the epoch, so that whatever an older run sends from now on is refused. */
  async putEpoch(authority: Authority): Promise<void> {
    await this.#text({ method: "PUT", path: "/v1/epochs", body: {}, authority });
  }

  /** Has the agent leave its lineage for that of the authority; one that has done so already agrees. */
  async putLineage(left: LineageRequest, authority: Authority): Promise<void> {
    await this.#text({ method: "PUT", path: "/v1/lineage", body: left, authority });
  }

  async putRoutes(table: RouteTable, authority: Authority): Promise<void> {
    const path = `/v1/routes/${encodeURIComponent(table.keyspace)}`;
    await this.#text({ method: "PUT", path, body: encodeTable(table), authority });
  }

  /** The policy document of an access agent, and how far its entries are in force there. */
  async policy(): Promise<PolicyAnswer> {
    return this.#ask(policyAnswer, { method: "GET", path: "/v1/policy" });
  }

  /** The same, with the document only if its version is above `after`. */
  async policyAfter(after: number): Promise<PolicyAnswer> {
    return this.#ask(policyAnswer, { method: "GET", path: `/v1/policy?after=${after}` });
  }

  /** Stores a newer policy document; the same one again is fine. */
  async putPolicy(document: PolicyDocument, authority: Authority): Promise<void> {
    const body = encodePolicy(document);
    await this.#text({ method: "PUT", path: "/v1/policy", body, authority });
  }

  /** The route tables; with `after`, waits up to `waitMs` until they differ from that answer's etag. */
  async routes(poll: { after: string; waitMs: number } | null = null): Promise<RoutesAnswer> {
    const query =
      poll === null ? "" : `?wait=${poll.waitMs}ms&after=${encodeURIComponent(poll.after)}`;
    return this.#ask(routesAnswer, {
      method: "GET",
      path: `/v1/routes${query}`,
      waitMs: poll?.waitMs ?? 0,
    });
  }

  async histogram(keyspace: string, lo: bigint, hi: bigint, buckets: number): Promise<Histogram> {
    const path = `/v1/histogram?keyspace=${encodeURIComponent(keyspace)}&lo=${lo}&hi=${hi}&buckets=${buckets}`;
    return this.#ask(histogram, { method: "GET", path, waitMs: 60_000 });
  }

  /** Whether that agent can reach another one. */
  async reach(to: NodeRef): Promise<ReachAnswer> {
    const path = "/v1/reach";
    return this.#ask(reachAnswer, { method: "POST", path, body: to, waitMs: 3_000 });
  }

  /** Where clients connect; of a gateway. */
  async access(): Promise<AccessAnswer> {
    return this.#ask(accessAnswer, { method: "GET", path: "/v1/access" });
  }

  /** Of a gateway. */
  async sessions(): Promise<SessionsAnswer> {
    return this.#ask(sessionsAnswer, { method: "GET", path: "/v1/sessions" });
  }

  /** Sessions of users who belong to other sites; of a gateway. */
  async elsewhere(): Promise<ElsewhereAnswer> {
    return this.#ask(elsewhereAnswer, { method: "GET", path: "/v1/elsewhere" });
  }

  /** What a dispatcher was told of the ways to sites. */
  async quality(): Promise<QualityAnswer> {
    return this.#ask(qualityAnswer, { method: "GET", path: "/v1/quality" });
  }

  async stats(keyspace: string, seconds: number): Promise<Stats> {
    const path = `/v1/stats?keyspace=${encodeURIComponent(keyspace)}&seconds=${seconds}`;
    return this.#ask(stats, { method: "GET", path });
  }

  /** Ends the connections; requests under way fail. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #findOperation(ask: Ask): Promise<Operation | null> {
    try {
      return await this.#ask(operation, ask);
    } catch (error) {
      if (error instanceof AgentProblem && error.code === "no-operation") return null;
      throw error;
    }
  }

  async #ask<T>(shape: z.ZodType<T>, ask: Ask): Promise<T> {
    const text = await this.#text(ask);
    try {
      return shape.parse(JSON.parse(text));
    } catch (error) {
      throw new AgentProblem(this.url, {
        status: 200,
        code: "bad-answer",
        detail: `${ask.method} ${ask.path} answered something else than expected: ${String(error).slice(0, 300)}`,
        retryable: false,
        outcome: "unknown",
      });
    }
  }

  async #text(ask: Ask): Promise<string> {
    const headers: Record<string, string> = {};
    if (ask.authority) {
      headers[HEADER.scope] = ask.authority.scope;
      headers[HEADER.epoch] = ask.authority.epoch.toString();
      headers[HEADER.lineage] = ask.authority.lineage;
    }
    if (ask.body !== undefined) headers["content-type"] = "application/json";
    let status: number;
    let text: string;
    try {
      const answer = await request.call(this.#pool, {
        method: ask.method,
        path: ask.path,
        headers,
        body: ask.body === undefined ? null : encodeJson(ask.body),
        headersTimeout: this.#timeoutMs + (ask.waitMs ?? 0),
      });
      status = answer.statusCode;
      text = await answer.body.text();
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      const sent = !(typeof code === "string" && NEVER_SENT.has(code));
      throw new AgentProblem(this.url, {
        unreachable: error,
        sent: sent && ask.method !== "GET",
      });
    }
    if (status >= 300) throw new AgentProblem(this.url, readProblem(status, text));
    return text;
  }
}
