import type { FastifyInstance } from "fastify";
import { lineageRequest } from "../../protocol/node.js";
import { scopeOf } from "../../protocol/operation.js";
import { parseRequest } from "../operation-body.js";
import type { Base, Role } from "../roles/role.js";
import { nodeStatusOf } from "../status.js";
import { json } from "./answer.js";
import { authorityOf, bad, body, integerParam, type Query, waitParam } from "./read.js";
import { untilClosed } from "./until-closed.js";

const ID = /^[A-Za-z0-9_-]{8,128}$/;

/** What a control plane asks of every agent: operations, epochs, and how the node is. */
export function controlRoutes(app: FastifyInstance, base: Base, role: Role): void {
  const { authority, stopping } = base;
  const { operations } = role;

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
    if (!role.kinds.includes(asked.kind))
      throw bad(`an agent of the role ${role.kind} takes no ${asked.kind}`);
    const by = authorityOf(request);
    if (by.scope !== scopeOf(asked)) throw bad(`Ops-Scope must be ${scopeOf(asked)}`);
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

  app.get("/v1/node", async (_request, reply) => json(reply, await nodeStatusOf(base, role)));
}
