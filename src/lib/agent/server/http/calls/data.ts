import { AUTHORITY, BYTES, type Call, type Calls } from "./call.js";

const LINES = "application/x-ndjson";
/** Where an answer stands. */
const STANDING = ["Ops-Generation", "Ops-Position"];

/** What an agent answers that holds data. */
export const DATA: Calls = {
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
