import { Gateway } from "../../../access/gateway/gateway.js";
import type { GatewayConfig } from "../config.js";
import { gatewayMetrics } from "../gateway-metrics.js";
import { gatewayRoutes } from "../http/gateway.js";
import { Operations } from "../operations.js";
import { departures, GATEWAY_KINDS } from "../operations/departures.js";
import type { Base, Role } from "./role.js";

/** An agent that holds the sessions of users at a site. */
export function gatewayRole({ engine, metrics }: Base, config: GatewayConfig): Role {
  const { site, ports, loginsPerSecond, maxSessions, heartbeatMs, listen } = config;
  const gateway = new Gateway({
    site,
    host: listen.host,
    ports,
    loginsPerSecond,
    maxSessions,
    heartbeatMs,
    addressesFor: () => [],
  });
  gatewayMetrics(metrics, gateway);
  return {
    kind: "gateway",
    groups: [(app) => gatewayRoutes(app, gateway)],
    operations: new Operations(engine, departures(gateway)),
    kinds: GATEWAY_KINDS,
    readiness: () => ({ sessions: gateway.figures().sessions }),
    status: () => ({
      log: { ...engine.log(), maxBytes: 0 },
      entries: [],
      dropping: [],
      followers: [],
      sync: [],
      routes: {},
      policy: null,
      access: { site, addresses: gateway.addresses },
    }),
    begin: () => gateway.listen(),
    release: () => gateway.close(),
    close: async () => undefined,
  };
}
