import type { FastifyInstance, FastifyReply } from "fastify";
import { placeOf } from "../../../engines/place.js";
import { parseKey, positionOf } from "../../../keyspace/key.js";
import { POSITION_END } from "../../../keyspace/segment.js";
import { formatPosition } from "../../../ownership/position.js";
import { HEADER, MAX_BATCH_BYTES, MAX_VALUE_BYTES } from "../../protocol/headers.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Standing } from "../data.js";
import { runBatch } from "./batch.js";
import type { Services } from "./context.js";
import {
  bad,
  generationOf,
  integerParam,
  minPositionOf,
  positionParam,
  type Query,
} from "./read.js";

interface KeyParams {
  readonly keyspace: string;
  readonly "*": string;
}

const MOST_ROWS = 10_000;

/** The accesses of clients. */
export function dataRoutes(app: FastifyInstance, { data }: Services): void {
  app.get<{ Params: KeyParams }>("/v1/data/:keyspace/*", (request, reply) => {
    const { keyspace, "*": key } = request.params;
    const read = data.read(keyspace, key, minPositionOf(request));
    stand(reply, read);
    if (read.lagMs !== undefined) {
      void reply.header(
        HEADER.lagMs,
        read.lagMs === null ? "unknown" : String(Math.ceil(read.lagMs)),
      );
    }
    if (read.value === null) throw new ProblemError(404, "not-found", `no value for ${key}`);
    return reply.header("content-type", "application/octet-stream").send(read.value);
  });

  app.put<{ Params: KeyParams }>(
    "/v1/data/:keyspace/*",
    { bodyLimit: MAX_VALUE_BYTES },
    async (request, reply) => {
      const { keyspace, "*": key } = request.params;
      const value = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const standing = await data.write(keyspace, {
        key,
        value,
        generation: generationOf(request),
      });
      return stand(reply, standing).status(204).send();
    },
  );

  app.delete<{ Params: KeyParams }>("/v1/data/:keyspace/*", async (request, reply) => {
    const { keyspace, "*": key } = request.params;
    const standing = await data.write(keyspace, {
      key,
      value: null,
      generation: generationOf(request),
    });
    return stand(reply, standing).status(204).send();
  });

  app.post<{ Params: { keyspace: string } }>(
    "/v1/data/:keyspace(^[^:]+)::batch",
    { bodyLimit: MAX_BATCH_BYTES },
    async (request, reply) => {
      const text = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "";
      const answers = await runBatch(data, request.params.keyspace, text, generationOf(request));
      return reply.header("content-type", "application/x-ndjson").send(answers);
    },
  );

  app.get<{ Params: { keyspace: string }; Querystring: Query }>(
    "/v1/data/:keyspace",
    (request, reply) => {
      const { keyspace } = request.params;
      const { query } = request;
      const limit = integerParam(query, "limit", 1, MOST_ROWS, 1_000);
      const hi = positionParam(query, "to", POSITION_END);
      const { lo, after } = scanStart(data.sharding(keyspace), query);
      if (lo >= hi) throw bad("from must be below to");
      const { rows, next } = data.scan(keyspace, { lo, hi }, after, limit);
      const lines = rows.map(({ key, value }) =>
        JSON.stringify({ key, value: value.toString("base64") }),
      );
      const cursor =
        next === null ? null : `${next.readBigUInt64BE(0)}/${next.toString("utf8", 8)}`;
      lines.push(JSON.stringify({ next: cursor }));
      return reply.header("content-type", "application/x-ndjson").send(`${lines.join("\n")}\n`);
    },
  );
}

/** `from` is a position, or the `next` of an earlier page: a position and the key to go on after. */
function scanStart(sharding: Parameters<typeof positionOf>[0], query: Query) {
  const text = query["from"] ?? "0";
  const slash = text.indexOf("/");
  if (slash < 0) return { lo: positionParam(query, "from", 0n), after: null };
  const key = text.slice(slash + 1);
  try {
    const lo = positionOf(sharding, parseKey(key).uid);
    return { lo, after: placeOf(lo, key) };
  } catch {
    throw bad("from: expected a position, or the `next` of an earlier page");
  }
}

function stand(reply: FastifyReply, { generation, position }: Standing): FastifyReply {
  return reply
    .header(HEADER.generation, generation.toString())
    .header(HEADER.position, formatPosition(position));
}
