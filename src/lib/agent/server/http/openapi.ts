import { z } from "zod";
import { policyWire } from "../../../policy/wire.js";
import {
  dispatchAnswer,
  policyAnswer,
  policyStored,
  qualityAnswer,
  qualityReports,
  qualityTaken,
} from "../../protocol/access.js";
import { accessAnswer, elsewhereAnswer, sessionsAnswer } from "../../protocol/gateway.js";
import { routesAnswer, routeTableWire } from "../../../routing/wire.js";
import {
  type AgentRole,
  histogram,
  lineageRequest,
  nodeStatus,
  stats,
} from "../../protocol/node.js";
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
import { BYTES, type Call, type Calls } from "./calls/call.js";
import { DISPATCH, POLICY } from "./calls/access.js";
import { DATA } from "./calls/data.js";
import { EVERY } from "./calls/every.js";
import { GATEWAY } from "./calls/gateway.js";

const SHAPES = {
  Problem: problem,
  NodeStatus: nodeStatus,
  Access: accessAnswer,
  Sessions: sessionsAnswer,
  Elsewhere: elsewhereAnswer,
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
  Policy: policyWire,
  PolicyAnswer: policyAnswer,
  PolicyStored: policyStored,
  Dispatch: dispatchAnswer,
  QualityReports: qualityReports,
  QualityTaken: qualityTaken,
  Quality: qualityAnswer,
} as const;

const CALLS: Readonly<Record<AgentRole, Calls>> = {
  data: { ...EVERY, ...DATA },
  dispatch: { ...EVERY, ...POLICY, ...DISPATCH },
  gateway: { ...EVERY, ...POLICY, ...GATEWAY },
};

/** The OpenAPI 3.1 document of the API of a role. */
export function openApi(version: string, role: AgentRole): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, call] of Object.entries(CALLS[role])) {
    const [method = "", path = ""] = name.split(" ");
    paths[path] = { ...paths[path], [method.toLowerCase()]: describe(path, call) };
  }
  const told = new Set(Object.values(CALLS[role]).flatMap(({ takes, gives }) => [takes, gives]));
  const schemas = Object.fromEntries(
    Object.entries(SHAPES)
      .filter(([name]) => name === "Problem" || told.has(name))
      .map(([name, shape]) => [
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
