import { untilClosed } from "./until-closed.js";
import type { FastifyInstance, FastifyReply } from "fastify";
import { decodeTable, encodeTable } from "../../../routing/wire.js";
import { encodeJson } from "../../protocol/json.js";
import { lineageRequest } from "../../protocol/node.js";
import { reachRequest } from "../../protocol/peer.js";
import type { Services } from "./context.js";
import { parseRequest } from "../operation-body.js";
import { nodeStatusOf } from "../status.js";
import {
  authorityOf,
  bad,
  body,
  integerParam,
  positionParam,
  type Query,
  waitParam,
} from "./read.js";

const REACH_MS = 3_000;
const ID = /^[A-Za-z0-9_-]{8,128}$/;

/** What a control plane asks: operations, epochs, routes, and how the node is. */
export function controlRoutes(app: FastifyInstance, services: Services): void {
  const { authority, operations, routes, stats, accesses, engine, peers, stopping } = services;

  app.put("/v1/epochs", async (request, reply) => {
    await authority.admit(authorityOf(request));
    return reply.status(204).send();
  });

  app.put("/v1/lineage", async (request, reply) => {
    const left = body(lineageRequest, request);
    await authority.adopt(authorityOf(request), left, () => operations.assertIdle());
    return reply.status(204).send();
  });

  app.put<{ Params: { id: string } }>("/v1/operations/:id", async (request, reply) => {
    const { id } = request.params;
    if (!ID.test(id)) throw bad("an operation's id has 8 to 128 letters, digits, - or _");
    const asked = parseRequest(request.body);
    const by = authorityOf(request);
    if (by.scope !== `keyspace/${asked.keyspace}`)
      throw bad(`Ops-Scope must be keyspace/${asked.keyspace}`);
    // A replay is answered as it is, but an older epoch learns nothing either.
    await authority.admit(by);
    const stored = await operations.put(id, asked, by, (txn) => authority.check(txn, by));
    return json(reply.status(202), stored);
  });

  app.get<{ Params: { id: string }; Querystring: Query }>(
    "/v1/operations/:id",
    async (request, reply) => {
      const { params, query } = request;
      const after = integerParam(query, "after", 0, Number.MAX_SAFE_INTEGER, 0);
      const { signal } = untilClosed(request.raw, stopping);
      const operation = await operations.wait(params.id, after, waitParam(query), signal);
      if (query["after"] === undefined) return json(reply, operation);
      const { request: _, ...news } = operation;
      return json(reply, news);
    },
  );

  app.delete<{ Params: { id: string } }>("/v1/operations/:id", async (request, reply) => {
    const by = authorityOf(request);
    await authority.admit(by);
    return json(reply.status(202), operations.cancel(request.params.id, by.scope));
  });

  app.get("/v1/operations", async (_request, reply) =>
    json(reply, { v: 1, operations: operations.all() }),
  );

  app.put<{ Params: { keyspace: string } }>("/v1/routes/:keyspace", async (request, reply) => {
    const by = authorityOf(request);
    const table = decodeTable(request.body);
    const { keyspace } = request.params;
    if (table.keyspace !== keyspace)
      throw bad(`the table is of ${table.keyspace}, not of ${keyspace}`);
    if (by.scope !== `keyspace/${keyspace}`) throw bad(`Ops-Scope must be keyspace/${keyspace}`);
    await routes.put(table, (txn) => authority.check(txn, by));
    return json(reply, { version: table.version });
  });

  app.get<{ Querystring: Query }>("/v1/routes", async (request, reply) => {
    const { query } = request;
    const { signal } = untilClosed(request.raw, stopping);
    await routes.differFrom(query["after"] ?? "", waitParam(query), signal);
    return json(reply, { v: 1, etag: routes.etag, tables: routes.all().map(encodeTable) });
  });

  app.get("/v1/node", async (_request, reply) => json(reply, await nodeStatusOf(services)));

  app.post("/v1/reach", async (request, reply) => {
    const { node, url } = body(reachRequest, request);
    const error = await peers.nodeAt(url, REACH_MS).then(
      (found) => (found === node ? null : `${url} is ${found}, not ${node}`),
      (reason: unknown) => (reason instanceof Error ? reason.message : String(reason)),
    );
    return json(reply, { reached: error === null, error });
  });

  app.get<{ Querystring: Query }>("/v1/histogram", async (request, reply) => {
    const { query } = request;
    const keyspace = keyspaceParam(query);
    const segment = { lo: positionParam(query, "lo", null), hi: positionParam(query, "hi", null) };
    if (segment.lo >= segment.hi) throw bad("lo must be below hi");
    const buckets = integerParam(query, "buckets", 1, 16_384, 1_024);
    const view = engine.read();
    try {
      const { rows, bytes, buckets: found } = await view.histogram(keyspace, segment, buckets);
      const now = performance.now();
      const { ops, traffic } = accesses.rates(keyspace, segment, found.length, now);
      const parts = found.map(({ lo, rows: inRows, bytes: inBytes }, i) => ({
        lo,
        rows: inRows,
        bytes: inBytes,
        ops: rounded(ops[i]!),
        traffic: rounded(traffic[i]!),
      }));
      const countedSeconds = Math.floor(accesses.seconds(now));
      const answer = { v: 1, keyspace, ...segment, rows, bytes, countedSeconds, buckets: parts };
      return await json(reply, answer);
    } finally {
      view.close();
    }
  });

  app.get<{ Querystring: Query }>("/v1/stats", async (request, reply) => {
    const { query } = request;
    const keyspace = keyspaceParam(query);
    const seconds = integerParam(query, "seconds", 1, 300, 10);
    const of = (kind: "reads" | "writes") => stats.summary(keyspace, kind, seconds);
    return json(reply, { v: 1, seconds, reads: of("reads"), writes: of("writes") });
  });
}

function keyspaceParam(query: Query): string {
  const keyspace = query["keyspace"];
  if (keyspace === undefined || keyspace === "") throw bad("keyspace is missing");
  return keyspace;
}

/** A rate is not known better than this. */
function rounded(rate: number): number {
  return Number(rate.toPrecision(6));
}

async function json(reply: FastifyReply, value: unknown): Promise<FastifyReply> {
  return reply.header("content-type", "application/json").send(encodeJson(value));
}
