import type { FastifyInstance } from "fastify";
import { SCHEDULE } from "../../../policy/document.js";
import { decodePolicy, encodePolicy } from "../../../policy/wire.js";
import type { EntryLevel } from "../../protocol/access.js";
import type { Policy } from "../policy.js";
import type { Base } from "../roles/role.js";
import { json } from "./answer.js";
import { authorityOf, bad, integerParam, type Query } from "./read.js";

export interface PolicyServices extends Base {
  readonly policy: Policy;
  readonly levels: () => EntryLevel[];
}

/** The policy document of the control plane. */
export function policyRoutes(
  app: FastifyInstance,
  { authority, policy, levels }: PolicyServices,
): void {
  app.get<{ Querystring: Query }>("/v1/policy", async ({ query }, reply) => {
    const { document, by } = policy;
    const after = integerParam(query, "after", 0, Number.MAX_SAFE_INTEGER, 0);
    const stored = document === null || document.version <= after ? null : encodePolicy(document);
    return json(reply, { v: 1, policy: stored, by, levels: levels() });
  });

  app.put("/v1/policy", async (request, reply) => {
    const by = authorityOf(request);
    if (by.scope !== SCHEDULE) throw bad(`Ops-Scope must be ${SCHEDULE}`);
    const document = decodePolicy(request.body);
    await policy.put(document, by, (txn) => authority.check(txn, by));
    return json(reply, { version: document.version });
  });
}
