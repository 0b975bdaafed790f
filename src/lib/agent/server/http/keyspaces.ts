import type { FastifyInstance } from "fastify";
import { decodeTable, encodeTable } from "../../../routing/wire.js";
import { reachRequest } from "../../protocol/peer.js";
import { json } from "./answer.js";
import type { Services } from "./context.js";
import {
  authorityOf,
  bad,
  body,
  integerParam,
  positionParam,
  type Query,
  waitParam,
} from "./read.js";
import { untilClosed } from "./until-closed.js";

const REACH_MS = 3_000;

/** What a control plane asks of keyspaces: their routes, their sizes and how they are used. */
export function keyspaceRoutes(app: FastifyInstance, services: Services): void {
  const { authority, routes, stats, accesses, engine, peers, stopping } = services;

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
