import type { FastifyInstance } from "fastify";
import type { Gateway } from "../../../access/gateway/gateway.js";
import { json } from "./answer.js";

export interface GatewayServices {
  readonly gateway: Gateway;
}

/** How the sessions of a gateway are. */
export function gatewayRoutes(app: FastifyInstance, { gateway }: GatewayServices): void {
  app.get("/v1/access", async (_request, reply) =>
    json(reply, { v: 1, site: gateway.site, addresses: gateway.addresses }),
  );
  app.get("/v1/sessions", async (_request, reply) => json(reply, { v: 1, ...gateway.figures() }));
  app.get("/v1/elsewhere", async (_request, reply) =>
    json(reply, { v: 1, groups: await gateway.elsewhere() }),
  );
}
