import { randomUUID } from "node:crypto";
import { untilClosed } from "./until-closed.js";
import { PassThrough } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import {
  acknowledgement,
  type ChangesRequest,
  changesRequest,
  digestRequest,
  hurryRequest,
  ownershipRequest,
  reignRequest,
  snapshotRequest,
} from "../../protocol/peer.js";
import { HEADER } from "../../protocol/headers.js";
import { ProblemError } from "../../protocol/problem.js";
import { sendChanges } from "../changes.js";
import type { Lane } from "../lanes.js";
import { sendDigest, sendSnapshot } from "../snapshot.js";
import type { Services } from "./context.js";
import { json } from "./answer.js";
import { bad, body } from "./read.js";

/** The requests of other agents. */
export function replicationRoutes(app: FastifyInstance, services: Services): void {
  const { engine, ownership, retention, stats, streams, holdings, windows, self } = services;

  for (const kind of ["fence", "handover", "resolve"] as const) {
    app.post(`/v1/ownership/${kind}`, async (request, reply) => {
      const ask = body(ownershipRequest, request);
      if (ask.request.kind !== kind) throw bad(`request.kind: expected ${kind}`);
      return json(reply, await ownership.answer(ask));
    });
  }

  app.post("/v1/ownership/reign", (request, reply) => {
    const { keyspace, lo, hi } = body(reignRequest, request);
    return json(reply, { reign: reign(keyspace, lo, hi) });
  });

  function reign(keyspace: string, lo: bigint, hi: bigint) {
    let next = lo;
    let lowest: bigint | null = null;
    for (const { state, lo: from, hi: to } of holdings.overlapping(keyspace, lo, hi)) {
      const { role, generation } = state.durable;
      if (from > next || role !== "primary") return null;
      if (lowest === null || generation < lowest) lowest = generation;
      next = to;
    }
    return lowest === null || next < hi ? null : { node: self().node, generation: lowest };
  }

  app.post("/v1/replication/acknowledge", async (request, reply) => {
    const { node, keyspace, through, stream: id } = body(acknowledgement, request);
    retention.hold(`${node}/${keyspace}`, through, false);
    if (id !== undefined) streams.report(id, through);
    return reply.status(204).send();
  });

  app.post("/v1/replication/snapshot", async (request, reply) => {
    const ask = body(snapshotRequest, request);
    const { p99Ms } = stats.summary(ask.keyspace, "writes", 2);
    void reply.header("ops-foreground-p99-ms", String(p99Ms));
    return stream(reply, services, async (open, signal) =>
      sendSnapshot(services, ask, open, signal),
    );
  });

  app.post("/v1/replication/changes", async (request, reply) => {
    const ask = body(changesRequest, request);
    const id = randomUUID();
    void reply.header(HEADER.process, services.bootId).header(HEADER.stream, id);
    // Another process may have another log.
    const known =
      ask.process === services.bootId ? ask : { ...ask, segments: unread(ask.segments) };
    const { keyspace, node } = ask;
    const onOpen = (lanes: readonly Lane[]) => streams.open({ id, keyspace, node, lanes });
    return stream(reply, services, async (open, signal) =>
      sendChanges({ ...services, onOpen }, known, open(), signal),
    );
  });

  app.post("/v1/replication/hurry", async (request, reply) => {
    const { keyspace, node } = body(hurryRequest, request);
    windows.end(keyspace, node);
    return json(reply, { through: engine.log().last });
  });

  app.post("/v1/replication/digest", async (request, reply) => {
    const ask = body(digestRequest, request);
    return stream(reply, services, async (open) => sendDigest(services, ask, open));
  });
}

function unread(segments: ChangesRequest["segments"]): ChangesRequest["segments"] {
  return segments.map(({ lo, hi, from }) => ({ lo, hi, from }));
}

/**
 * Lets `produce` write the body of the answer. Before it has opened the stream a failure is a problem; afterwards the stream is
 * cut, which the follower takes as "ask again".
 */
async function stream(
  reply: FastifyReply,
  { stopping, logger }: Services,
  produce: (open: () => PassThrough, signal: AbortSignal) => Promise<void>,
): Promise<FastifyReply> {
  const gone = untilClosed(reply.raw, stopping);
  const out = new PassThrough({ highWaterMark: 1024 * 1024 });
  out.once("error", () => gone.abort());
  let opened = false;
  const open = () => {
    opened = true;
    void reply.header("content-type", "application/octet-stream").send(out);
    return out;
  };
  try {
    await produce(open, gone.signal);
  } catch (error) {
    if (!opened) throw error;
    if (!gone.signal.aborted && !(error instanceof ProblemError)) {
      logger.warn({ err: error }, "a replication stream was cut");
    }
    out.destroy();
  }
  return reply;
}
