import { Gateway } from "../../../access/gateway/gateway.js";
import type { SessionPlace } from "../../../access/gateway/departures.js";
import type { GatewayConfig } from "../config.js";
import { gatewayMetrics } from "../gateway-metrics.js";
import { gatewayGroups } from "../http/groups.js";
import { Operations } from "../operations.js";
import { departures, GATEWAY_KINDS } from "../operations/departures.js";
import { Policy } from "../policy.js";
import { PolicyPeers } from "../policy-peers.js";
import { policyMetrics } from "../policy-metrics.js";
import { type RampParts, Ramps } from "../ramps.js";
import { siteUnwell } from "../site-health.js";
import type { Base, Role } from "./role.js";
import { statusWithoutData } from "./without-data.js";

const LOGIN_WITHIN_MS = 5_000;

/** An agent that holds the sessions of users at a site. */
export function gatewayRole(base: Base, config: GatewayConfig): Role {
  const { engine, metrics, die } = base;
  const { site, listen } = config;
  const policy = new Policy(engine);
  const unwell: RampParts["unwell"] = async (entry, of) => siteUnwell(entry, of, gateway.quality);
  const peers = new PolicyPeers({ ...base, policy });
  const ramps = new Ramps({ engine, policy, unwell, die });
  const addressesFor = ({ uid, group: { carrier, province } }: SessionPlace) =>
    policy.router?.answer({ uid, carrier, province, port: null }, ramps.levels).addresses ?? [];
  const isClosedTo = ({ uid, group: { carrier, province, port } }: SessionPlace) =>
    policy.router?.isKeptAway({ uid, carrier, province, port }, site, "strong", ramps.levels) ??
    false;
  const homeOf = ({ uid, group: { carrier, province } }: SessionPlace) =>
    policy.router?.home({ uid, carrier, province }) ?? null;
  const gateway = new Gateway({
    ...config,
    host: listen.host,
    loginWithinMs: LOGIN_WITHIN_MS,
    addressesFor,
    homeOf,
    isClosedTo,
  });
  policy.onChange(() => gateway.homesChanged());
  policyMetrics(metrics, policy, ramps);
  gatewayMetrics(metrics, gateway);
  return {
    kind: "gateway",
    groups: gatewayGroups({ ...base, policy, levels: () => ramps.told(), gateway }),
    operations: new Operations(engine, departures(gateway)),
    kinds: GATEWAY_KINDS,
    readiness: () => ({
      policy: policy.document?.version ?? null,
      sessions: gateway.figures().sessions,
    }),
    status: () => statusWithoutData(engine, policy, { site, addresses: gateway.addresses }),
    catchUp: () => peers.catchUp(),
    async begin() {
      ramps.begin();
      peers.begin();
      await gateway.listen();
    },
    release() {
      peers.release();
      gateway.close();
    },
    async close() {
      await Promise.all([ramps.close(), peers.close()]);
    },
  };
}
