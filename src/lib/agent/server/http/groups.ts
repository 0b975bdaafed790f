import { dataRoutes } from "./data.js";
import { type DispatchServices, dispatchRoutes } from "./dispatch.js";
import type { Services } from "./context.js";
import { type GatewayServices, gatewayRoutes } from "./gateway.js";
import { keyspaceRoutes } from "./keyspaces.js";
import { type PolicyServices, policyRoutes } from "./policy.js";
import { replicationRoutes } from "./replication.js";
import type { RouteGroup } from "../roles/role.js";

/** What an agent of the role `data` answers beyond what every agent does. */
export function dataGroups(services: Services): RouteGroup[] {
  return [
    // A client's value is bytes whatever its content type says, also JSON.
    (app) =>
      void app.register(async (raw) => {
        raw.removeAllContentTypeParsers();
        raw.addContentTypeParser("*", { parseAs: "buffer" }, (_request, payload, done) =>
          done(null, payload),
        );
        dataRoutes(raw, services);
      }),
    (app) => replicationRoutes(app, services),
    (app) => keyspaceRoutes(app, services),
  ];
}

/** What a dispatcher answers beyond what every agent does. */
export function dispatchGroups(services: PolicyServices & DispatchServices): RouteGroup[] {
  return [(app) => policyRoutes(app, services), (app) => dispatchRoutes(app, services)];
}

/** What a gateway answers beyond what every agent does. */
export function gatewayGroups(services: PolicyServices & GatewayServices): RouteGroup[] {
  return [(app) => policyRoutes(app, services), (app) => gatewayRoutes(app, services)];
}
