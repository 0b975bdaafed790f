import { Quality } from "../../../access/quality.js";
import { ProblemError } from "../../protocol/problem.js";
import { DispatchMetrics } from "../dispatch-metrics.js";
import { dispatchGroups } from "../http/groups.js";
import { Operations } from "../operations.js";
import { Policy } from "../policy.js";
import { PolicyPeers } from "../policy-peers.js";
import { policyMetrics } from "../policy-metrics.js";
import { type RampParts, Ramps } from "../ramps.js";
import { siteUnwell } from "../site-health.js";
import type { Base, Role } from "./role.js";
import { statusWithoutData } from "./without-data.js";

/** Ten carriers, a hundred provinces and ten sites of ten gateways. */
const QUALITY = { halfLifeMs: 60_000, minSamples: 30, waysMax: 100_000 };

/** An agent that tells logins where to go: it has the policy of the control plane, and no data. */
export function dispatchRole(base: Base): Role {
  const { engine, metrics, die } = base;
  const policy = new Policy(engine);
  const quality = new Quality(QUALITY);
  policy.onChange(() => quality.keep(({ site, url }) => policy.router!.offers(site, url)));
  const unwell: RampParts["unwell"] = async (entry, site) => siteUnwell(entry, site, quality);
  const peers = new PolicyPeers({ ...base, policy });
  const ramps = new Ramps({ engine, policy, unwell, die });
  const levels = () => ramps.told();
  policyMetrics(metrics, policy, ramps);
  const { answers } = new DispatchMetrics(metrics);
  return {
    kind: "dispatch",
    groups: dispatchGroups({ ...base, policy, levels, ramps, quality, answers }),
    operations: new Operations(engine, async (request) => {
      const detail = `an agent of the role dispatch does no ${request.kind}`;
      throw new ProblemError(400, "bad-request", detail);
    }),
    kinds: [],
    readiness: () => ({ policy: policy.document?.version ?? null }),
    status: () => statusWithoutData(engine, policy, null),
    catchUp: () => peers.catchUp(),
    begin() {
      ramps.begin();
      peers.begin();
    },
    release: () => peers.release(),
    async close() {
      await Promise.all([ramps.close(), peers.close()]);
    },
  };
}
