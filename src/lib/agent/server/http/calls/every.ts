import { AUTHORITY, type Calls } from "./call.js";

/** What every agent answers. */
export const EVERY: Calls = {
  "GET /livez": { summary: "The process answers.", status: 200 },
  "GET /readyz": { summary: "The node takes requests.", status: 200 },
  "GET /metrics": { summary: "Prometheus metrics.", status: 200, gives: "text/plain" },
  "GET /openapi.json": { summary: "This document.", status: 200 },
  "GET /v1/node": {
    summary: "What the node holds and how it is.",
    status: 200,
    gives: "NodeStatus",
  },
  "PUT /v1/epochs": { summary: "Tell the node an epoch.", headers: AUTHORITY, status: 204 },
  "PUT /v1/lineage": {
    summary: "Leave one control plane for another.",
    headers: AUTHORITY,
    takes: "LineageRequest",
    status: 204,
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
};
