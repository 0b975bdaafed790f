import type { FastifyInstance, FastifyReply } from "fastify";
import { keyOf, placeOf, positionOf as positionIn } from "../../../engines/place.js";
import { parseKey, positionOf, type Sharding } from "../../../keyspace/key.js";
import { formatPosition } from "../../../ownership/position.js";
import { HEADER, MAX_BATCH_BYTES, MAX_VALUE_BYTES } from "../../protocol/headers.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Standing } from "../data/owners.js";
import type { ScanResult } from "../data/reads.js";
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
    // It says nothing about a read, but a garbled one says that the client is wrong.
    generationOf(request);
    const read = data.reads.read(keyspace, key, minPositionOf(request));
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
      const standing = await data.writes.write(keyspace, {
        key,
        value,
        generation: generationOf(request),
      });
      return stand(reply, standing).status(204).send();
    },
  );

  app.delete<{ Params: KeyParams }>("/v1/data/:keyspace/*", async (request, reply) => {
    const { keyspace, "*": key } = request.params;
    const standing = await data.writes.write(keyspace, {
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
      const sharding = data.shardings.of(keyspace);
      const domain = data.reads.domain(keyspace);
      const hi = positionParam(query, "to", domain.hi);
      const { lo, after } = scanStart(sharding, query, domain.lo);
      if (lo >= hi) throw bad(`from: ${lo} is not below ${hi}, where the range ends`);
      const found = data.reads.scan(keyspace, { lo, hi }, after, limit);
      const lines = found.rows.map(({ key, value }) =>
        JSON.stringify({ key, value: value.toString("base64") }),
      );
      lines.push(JSON.stringify({ next: nextOf(found) }));
      if (found.rest !== null) {
        const { from, owner } = found.rest;
        void reply.header(HEADER.next, from.toString());
        if (owner !== null) void reply.header(HEADER.nextOwner, owner);
      }
      return reply.header("content-type", "application/x-ndjson").send(`${lines.join("\n")}\n`);
    },
  );
}

/** What to give as `from` to go on; null at the end of the range. */
function nextOf({ after, rest }: ScanResult): string | null {
  if (after !== null) return `${positionIn(after)}/${keyOf(after)}`;
  return rest === null ? null : rest.from.toString();
}

/** `from` is a position, or the `next` of an earlier page: a position and the key to go on after. */
function scanStart(sharding: Sharding, query: Query, start: bigint) {
  const text = query["from"] ?? "";
  const slash = text.indexOf("/");
  if (slash < 0) return { lo: positionParam(query, "from", start), after: null };
  const key = text.slice(slash + 1);
  const refused = bad("from: expected a position, or the `next` of an earlier page");
  let lo: bigint;
  try {
    lo = positionOf(sharding, parseKey(key).uid);
  } catch {
    throw refused;
  }
  if (text.slice(0, slash) !== lo.toString()) throw refused;
  return { lo, after: placeOf(lo, key) };
}

function stand(reply: FastifyReply, { generation, position }: Standing): FastifyReply {
  return reply
    .header(HEADER.generation, generation.toString())
    .header(HEADER.position, formatPosition(position));
}
