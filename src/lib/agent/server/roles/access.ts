import { Quality } from "../../../access/quality.js";
import { level } from "../../../schedule/policy/level.js";
import { ProblemError } from "../../protocol/problem.js";
import type { AccessConfig } from "../config.js";
import { DispatchMetrics } from "../dispatch-metrics.js";
import { dispatchGroups } from "../http/groups.js";
import { policyRoutes } from "../http/policy.js";
import { Operations } from "../operations.js";
import { Policy } from "../policy.js";
import { type RampParts, Ramps } from "../ramps.js";
import { isSiteWell } from "../site-health.js";
import type { Base, Role } from "./role.js";

/** Ten carriers, a hundred provinces and ten sites. */
const QUALITY = { halfLifeMs: 60_000, minSamples: 30, pathsMax: 10_000 };

/** An agent between users and the sets: it has the policy of the control plane, and no data. */
export function accessRole(base: Base, config: AccessConfig): Role {
  return config.role === "dispatch" ? dispatchRole(base) : gatewayRole(base);
}

/** It tells logins where to go. */
function dispatchRole(base: Base): Role {
  const { engine, die } = base;
  const policy = new Policy(engine);
  const quality = new Quality(QUALITY);
  const isWell: RampParts["isWell"] = async (entry, site) => isSiteWell(entry, site, quality);
  const ramps = new Ramps({ engine, policy, isWell, die });
  const levels = () => ramps.told();
  const { answers } = new DispatchMetrics(base.metrics, policy, ramps);
  return {
    ...withoutData(base, "dispatch", policy),
    groups: dispatchGroups({ ...base, policy, levels, ramps, quality, answers }),
    begin: () => ramps.begin(),
    close: () => ramps.close(),
  };
}

/** It holds the sessions of users. */
function gatewayRole(base: Base): Role {
  const policy = new Policy(base.engine);
  const levels = () =>
    (policy.document?.entries ?? []).map((entry) => ({
      entry: entry.id,
      level: level(entry, Date.now()),
      held: false,
    }));
  return {
    ...withoutData(base, "gateway", policy),
    groups: [(app) => policyRoutes(app, { ...base, policy, levels })],
    begin: () => undefined,
    close: async () => undefined,
  };
}

function withoutData(
  { engine }: Base,
  kind: "dispatch" | "gateway",
  policy: Policy,
): Omit<Role, "groups" | "begin" | "close"> {
  return {
    kind,
    operations: new Operations(engine, async (request) => {
      const detail = `an agent of the role ${kind} does no ${request.kind}`;
      throw new ProblemError(400, "bad-request", detail);
    }),
    kinds: [],
    readiness: () => ({ policy: policy.document?.version ?? null }),
    status: () => ({
      log: { ...engine.log(), maxBytes: 0 },
      entries: [],
      dropping: [],
      followers: [],
      sync: [],
      routes: {},
      policy: policy.document?.version ?? null,
    }),
    release: () => undefined,
  };
}
