import type { RouteNode } from "../../routing/table.js";
import type { Topology } from "../../topology/types.js";
import { planOfBalance } from "../change/balance.js";
import { receiverGates } from "../change/gates.js";
import type { PlanContext } from "../change/assemble.js";
import { NO_POLICY, changePolicy } from "../change/policy-part.js";
import type { Service } from "../change/service.js";
import type { GatewaySeen, Situation } from "../change/situation.js";
import { spread } from "../change/spread.js";
import { fractionsOf } from "../../policy/fractions.js";
import type { PolicyDocument, PolicySite } from "../../policy/document.js";
import { classesOf } from "../problem.js";

/** A service as its agents would tell it, made from a topology. */
export interface VirtualService extends Service {
  readonly situation: Situation;
  readonly context: PlanContext;
  /** Of every user, logins a second. */
  readonly churn: number;
}

/** Sessions are not told apart by port. */
const PORT = 443;

/** Everyone where an assignment puts them, and the gateways and dispatchers well. `now`: ms since 1970, `createdAt` the same. */
export async function virtualService(
  service: Service,
  topologyHash: string,
  { now, createdAt }: { readonly now: number; readonly createdAt: string },
): Promise<VirtualService> {
  const { topology, demand } = service;
  const gateways = gatewaysOf(topology);
  const dispatchers = dispatchersOf(topology);
  const nodes = Object.fromEntries(
    [...gateways, ...dispatchers].map(({ id, ...node }) => [id, node]),
  );
  const context: PlanContext = {
    createdAt,
    topology: { name: topology.name, hash: topologyHash },
    nodes,
    gates: receiverGates(topology.policy),
  };
  const empty: Situation = {
    now,
    policy: NO_POLICY,
    unlisted: [],
    offered: NO_POLICY.sites,
    gateways: [],
    dispatchers: dispatchers.map(({ id }) => id),
    over: [],
    silent: [],
  };
  const policy = await balanced(service, empty, context, sitesOf(topology, gateways));
  const churn = demand.loginsPerSecond / demand.onlineUsers;
  return underPolicy({ ...service, situation: empty, context, churn }, { ...policy, version: 1 });
}

/** The same service with everyone where a policy without entries leads. */
export function underPolicy(service: VirtualService, policy: PolicyDocument): VirtualService {
  const { topology, demand, situation, churn } = service;
  const all = gatewaysOf(topology);
  const gateways = topology.sets.flatMap(({ id, capacity }) => {
    const own = all.filter(({ set }) => set === id);
    const sessions = classesOf(demand).flatMap(({ carrier, province, users }) => {
      const of = policy.classes.find((one) => one.carrier === carrier && one.province === province);
      const share = fractionsOf(of?.base ?? []).get(id) ?? 0;
      return share === 0
        ? []
        : [{ carrier, province, port: PORT, sessions: (users * share) / own.length }];
    });
    const users = sessions.reduce((sum, group) => sum + group.sessions, 0);
    const limit = capacity.loginsPerSecond / own.length;
    return own.map((gateway): GatewaySeen => ({
      node: gateway.id,
      site: id,
      groups: sessions,
      logins: { limit, perSecond: users * churn },
    }));
  });
  return { ...service, situation: { ...situation, policy, offered: policy.sites, gateways } };
}

async function balanced(
  service: Service,
  empty: Situation,
  context: PlanContext,
  sites: Readonly<Record<string, PolicySite>>,
): Promise<PolicyDocument> {
  const { problem, assignment } = await spread(service, Object.keys(sites));
  const asked = { reason: "simulation", actor: "simulation", sites };
  const plan = planOfBalance(asked, empty, problem, assignment, context)!;
  const step = plan.stages.flatMap(({ waves }) => waves.flat()).find(isPolicy)!;
  return changePolicy(NO_POLICY, step.before, step.after, 0n);
}

function isPolicy<S extends { kind: string }>(step: S): step is Extract<S, { kind: "policy" }> {
  return step.kind === "policy";
}

interface Access extends RouteNode {
  readonly id: string;
  readonly set: string;
}

/** Those of the topology; one of its own for a set that has none. */
function gatewaysOf({ nodes, sets }: Topology): Access[] {
  return sets.flatMap(({ id: set, region }) => {
    const own = nodes.filter(
      (node) => node.set === set && node.layer === "access" && node.role !== "dispatch",
    );
    const ids = own.length === 0 ? [`${set}-gateway`] : own.map(({ id }) => id);
    return ids.map((id) => ({ id, url: `http://${id}`, region, set }));
  });
}

function dispatchersOf({ nodes, sets }: Topology): Access[] {
  const own = nodes.filter(({ role }) => role === "dispatch");
  if (own.length > 0)
    return own.map(({ id, region, set }) => ({ id, url: `http://${id}`, region, set }));
  return sets.slice(0, 1).map(({ id: set, region }) => ({
    id: "dispatch",
    url: "http://dispatch",
    region,
    set,
  }));
}

function sitesOf(
  { sets, idcs }: Topology,
  gateways: readonly Access[],
): Record<string, PolicySite> {
  const carriers = new Map(idcs.map((idc) => [idc.id, idc.carriers]));
  return Object.fromEntries(
    sets.map(({ id, idc, region }): [string, PolicySite] => [
      id,
      {
        region,
        carriers: carriers.get(idc)!,
        addresses: gateways
          .filter(({ set }) => set === id)
          .map((gateway) => ({ url: `ws://${gateway.id}`, port: PORT })),
      },
    ]),
  );
}
