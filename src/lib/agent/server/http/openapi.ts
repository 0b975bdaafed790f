import { z } from "zod";
import { routesAnswer, routeTableWire } from "../../../routing/wire.js";
import { histogram, lineageRequest, nodeStatus, stats } from "../../protocol/node.js";
import { operation, operationRequest } from "../../protocol/operation.js";
import {
  acknowledgement,
  changesRequest,
  digestRequest,
  hurryAnswer,
  hurryRequest,
  ownershipAnswer,
  ownershipRequest,
  reachAnswer,
  reachRequest,
  reignAnswer,
  reignRequest,
  snapshotRequest,
} from "../../protocol/peer.js";
import { problem } from "../../protocol/problem.js";

interface Call {
  readonly summary: string;
  /** Of the body; a name in `SHAPES`, or a media type. */
  readonly takes?: string;
  readonly query?: readonly string[];
  readonly headers?: readonly string[];
  readonly status: number;
  readonly gives?: string;
  /** Headers of the answer; not every one of them on every answer. */
  readonly tells?: readonly string[];
}

const SHAPES = {
  Problem: problem,
  NodeStatus: nodeStatus,
  Histogram: histogram,
  Stats: stats,
  Operation: operation,
  OperationRequest: operationRequest,
  RouteTable: routeTableWire,
  Routes: routesAnswer,
  OwnershipRequest: ownershipRequest,
  OwnershipAnswer: ownershipAnswer,
  ReignRequest: reignRequest,
  ReignAnswer: reignAnswer,
  SnapshotRequest: snapshotRequest,
  ChangesRequest: changesRequest,
  DigestRequest: digestRequest,
  HurryRequest: hurryRequest,
  HurryAnswer: hurryAnswer,
  Acknowledgement: acknowledgement,
  LineageRequest: lineageRequest,
  ReachRequest: reachRequest,
  ReachAnswer: reachAnswer,
} as const;

const BYTES = "application/octet-stream";
const LINES = "application/x-ndjson";
/** Where an answer stands. */
const STANDING = ["Ops-Generation", "Ops-Position"];
const AUTHORITY = ["Ops-Scope", "Ops-Epoch", "Ops-Lineage"];

const CALLS: Readonly<Record<string, Call>> = {
  "GET /livez": { summary: "The process answers.", status: 200 },
  "GET /readyz": { summary: "The node takes requests.", status: 200 },
  "GET /metrics": { summary: "Prometheus metrics.", status: 200, gives: "text/plain" },
  "GET /openapi.json": { summary: "This document.", status: 200 },
  "GET /v1/data/{keyspace}/{key}": {
    summary: "Read a value.",
    headers: ["Ops-Min-Position"],
    status: 200,
    gives: BYTES,
    tells: [...STANDING, "Ops-Lag-Ms"],
  },
  "PUT /v1/data/{keyspace}/{key}": {
    summary: "Write a value; answered once it is acknowledged.",
    headers: ["Ops-Generation"],
    takes: BYTES,
    status: 204,
    tells: STANDING,
  },
  "DELETE /v1/data/{keyspace}/{key}": {
    summary: "Delete a value; answered once that is acknowledged.",
    headers: ["Ops-Generation"],
    status: 204,
    tells: STANDING,
  },
  "POST /v1/data/{keyspace}:batch": {
    summary: "Many operations, an answer a line.",
    headers: ["Ops-Generation"],
    takes: LINES,
    status: 200,
    gives: LINES,
  },
  "GET /v1/data/{keyspace}": {
    summary:
      "Rows in order of position, as far as this node has them without a gap; the last line tells where to go on.",
    query: ["from", "to", "limit"],
    status: 200,
    gives: LINES,
    tells: ["Ops-Next", "Ops-Next-Owner"],
  },
  "GET /v1/node": {
    summary: "What the node holds and how it is.",
    status: 200,
    gives: "NodeStatus",
  },
  "POST /v1/reach": {
    summary: "Can this node reach another agent, and is it the one?",
    takes: "ReachRequest",
    status: 200,
    gives: "ReachAnswer",
  },
  "GET /v1/histogram": {
    summary: "Rows, bytes, accesses and their traffic a second, in equal-width buckets.",
    query: ["keyspace", "lo", "hi", "buckets"],
    status: 200,
    gives: "Histogram",
  },
  "GET /v1/stats": {
    summary: "Data accesses of the last seconds.",
    query: ["keyspace", "seconds"],
    status: 200,
    gives: "Stats",
  },
  "PUT /v1/epochs": { summary: "Tell the node an epoch.", headers: AUTHORITY, status: 204 },
  "PUT /v1/lineage": {
    summary: "Leave one control plane for another.",
    headers: AUTHORITY,
    takes: "LineageRequest",
    status: 204,
  },
  "PUT /v1/routes/{keyspace}": {
    summary: "Publish a route table.",
    headers: AUTHORITY,
    takes: "RouteTable",
    status: 200,
  },
  "GET /v1/routes": {
    summary: "The route tables; waits until they differ from an etag.",
    query: ["wait", "after"],
    status: 200,
    gives: "Routes",
  },
  "PUT /v1/operations/{id}": {
    summary: "Begin long work, or attach to it.",
    headers: AUTHORITY,
    takes: "OperationRequest",
    status: 202,
    gives: "Operation",
  },
  "GET /v1/operations/{id}": {
    summary: "How the work is; waits for a later revision.",
    query: ["wait", "after"],
    status: 200,
    gives: "Operation",
  },
  "DELETE /v1/operations/{id}": {
    summary: "Ask the work to end.",
    headers: AUTHORITY,
    status: 202,
    gives: "Operation",
  },
  "GET /v1/operations": { summary: "The work that the node remembers.", status: 200 },
  "POST /v1/ownership/fence": ownership("Block the writes of a slice and say its last position."),
  "POST /v1/ownership/handover": ownership("Hand the fenced slice over."),
  "POST /v1/ownership/resolve": ownership("Say what became of an attempt; end it if nothing did."),
  "POST /v1/ownership/reign": {
    summary: "Does the node reign over the segment?",
    takes: "ReignRequest",
    status: 200,
    gives: "ReignAnswer",
  },
  "POST /v1/replication/snapshot": {
    summary: "A page of rows, as frames.",
    takes: "SnapshotRequest",
    status: 200,
    gives: BYTES,
  },
  "POST /v1/replication/changes": {
    summary: "Changes for as long as the follower listens, as frames.",
    takes: "ChangesRequest",
    status: 200,
    gives: BYTES,
    tells: ["Ops-Process", "Ops-Stream"],
  },
  "POST /v1/replication/digest": {
    summary: "The digest of a chunk, at a position that is told first.",
    takes: "DigestRequest",
    status: 200,
    gives: BYTES,
  },
  "POST /v1/replication/hurry": {
    summary: "Send the follower what is held back of its change stream.",
    takes: "HurryRequest",
    status: 200,
    gives: "HurryAnswer",
  },
  "POST /v1/replication/acknowledge": {
    summary: "What the follower holds durably.",
    takes: "Acknowledgement",
    status: 204,
  },
};

function ownership(summary: string): Call {
  return { summary, takes: "OwnershipRequest", status: 200, gives: "OwnershipAnswer" };
}

/** The OpenAPI 3.1 document of this API. */
export function openApi(version: string): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, call] of Object.entries(CALLS)) {
    const [method = "", path = ""] = name.split(" ");
    paths[path] = { ...paths[path], [method.toLowerCase()]: describe(path, call) };
  }
  const schemas = Object.fromEntries(
    Object.entries(SHAPES).map(([name, shape]) => [
      name,
      z.toJSONSchema(shape, { io: "input", unrepresentable: "any" }),
    ]),
  );
  return {
    openapi: "3.1.0",
    info: {
      title: "ops agent",
      version,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths,
    components: { schemas },
  };
}

function describe(
  path: string,
  { summary, takes, query = [], headers = [], status, gives, tells = [] }: Call,
): object {
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameter(name!, "path")),
    ...query.map((name) => parameter(name, "query")),
    ...headers.map((name) => parameter(name, "header")),
  ];
  return {
    summary,
    parameters,
    ...(takes === undefined ? {} : { requestBody: { required: true, content: content(takes) } }),
    responses: {
      [status]: {
        description: "Done.",
        ...(tells.length === 0 ? {} : { headers: answerHeaders(tells) }),
        ...(gives === undefined ? {} : { content: content(gives) }),
      },
      default: {
        description: "A problem.",
        content: { "application/problem+json": { schema: reference("Problem") } },
      },
    },
  };
}

function parameter(name: string, where: "path" | "query" | "header"): object {
  return { name, in: where, required: where === "path", schema: { type: "string" } };
}

function answerHeaders(names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, { schema: { type: "string" } }]));
}

function content(of: string): object {
  if (of in SHAPES) return { "application/json": { schema: reference(of) } };
  return { [of]: { schema: { type: "string", ...(of === BYTES ? { format: "binary" } : {}) } } };
}

function reference(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}
