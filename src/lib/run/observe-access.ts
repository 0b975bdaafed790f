import type { EntryLevel, QualityFigure } from "../agent/protocol/access.js";
import type { RouteNode } from "../routing/table.js";
import type { PolicyDocument, PolicySite } from "../policy/document.js";
import { sitesWithout } from "../policy/offered.js";
import { NO_POLICY } from "../schedule/change/policy-part.js";
import type { GatewaySeen, SilentAgent, Situation } from "../schedule/change/situation.js";
import type { Node, Topology } from "../topology/types.js";
import type { Agents } from "./agents.js";
import { asProblem } from "./failure.js";
import { askUnlisted } from "./ask-unlisted.js";
import { readPolicy } from "./publish-policy.js";
import type { RunEnvironment } from "./session.js";

/** What the access agents of a topology say. */
export interface AccessSurvey {
  readonly situation: Situation;
  /** Those that answer. */
  readonly nodes: Readonly<Record<string, RouteNode>>;
  /** Sites with at least one gateway that answers, and where clients connect to them. */
  readonly sites: Readonly<Record<string, PolicySite>>;
  readonly agents: readonly AccessSeen[];
}

/** An access agent that answers. */
export interface AccessSeen {
  readonly node: string;
  readonly role: "dispatch" | "gateway";
  readonly site: string;
  /** Of the policy that it has; null for none. */
  readonly version: number | null;
  /** How far each entry of it is in force there. */
  readonly levels: readonly EntryLevel[];
  /** What it knows of the ways to sites. */
  readonly quality: readonly QualityFigure[];
  /** A gateway of which the policy has no address: no login is sent there. */
  readonly isLeftOut: boolean;
}

type AccessNode = Node & { readonly agent: string };

/** The nodes of the access layer that have an agent. */
export function accessNodes({ nodes }: Topology): AccessNode[] {
  return nodes.filter((node): node is AccessNode => node.layer === "access" && node.agent !== null);
}

function accessRoutes(nodes: readonly AccessNode[]): Record<string, RouteNode> {
  return Object.fromEntries(
    nodes.map(({ id, agent, region, set }) => [id, { url: agent, region, set }]),
  );
}

/** Connects to all of them, asks, and lets go. */
export async function surveyAccess(
  env: Pick<RunEnvironment, "store" | "connect" | "clock">,
  topology: Topology,
): Promise<AccessSurvey> {
  const agents = await env.connect(accessRoutes(accessNodes(topology)));
  try {
    return await observeAccess(topology, agents, env);
  } finally {
    await agents.close();
  }
}

interface Answer {
  readonly node: AccessNode;
  readonly seen: Omit<AccessSeen, "isLeftOut">;
  readonly policy: PolicyDocument | null;
  readonly gateway: GatewaySeen | null;
  readonly addresses: PolicySite["addresses"];
}

/** Asks all of them at once. */
async function observeAccess(
  topology: Topology,
  agents: Agents,
  { store, connect, clock }: Pick<RunEnvironment, "store" | "connect" | "clock">,
): Promise<AccessSurvey> {
  const now = clock.now();
  const nodes = accessNodes(topology);
  const silent: SilentAgent[] = [];
  const answers: Answer[] = [];
  await Promise.all(
    nodes.map(async (node) => {
      try {
        answers.push(await askAccess(agents, node));
      } catch (error) {
        silent.push({ ...placeOf(node), why: asProblem(error).message });
      }
    }),
  );
  answers.sort((a, b) => (a.node.id < b.node.id ? -1 : 1));
  silent.sort((a, b) => (a.node < b.node ? -1 : 1));
  const stored = await readPolicy(store);
  const dispatchers = answers.filter(({ node }) => node.role === "dispatch");
  const known = [stored, ...answers.map(({ policy }) => policy)].filter((one) => one !== null);
  const policy = known.reduce((best, one) => (one.version > best.version ? one : best), NO_POLICY);
  const unlisted = await askUnlisted(connect, policy, topology);
  const isGone = (node: string, site: string) =>
    unlisted.some((one) => one.node === node && one.site === site && one.why !== null);
  const isLeftOut = ({ node, addresses }: Answer) =>
    policy.version > 0 &&
    addresses.length > 0 &&
    !policy.sites[node.set]?.addresses.some(({ url }) => addresses.some((one) => one.url === url));
  return {
    situation: {
      now,
      policy,
      unlisted,
      offered: sitesWithout(policy.sites, isGone),
      gateways: answers.flatMap(({ gateway }) => gateway ?? []),
      dispatchers: dispatchers.map(({ node }) => node.id),
      over: policy.entries.map(({ id }) => id).filter((id) => isOver(id, dispatchers)),
      silent,
    },
    nodes: accessRoutes(answers.map(({ node }) => node)),
    sites: sitesIn(topology, answers),
    agents: answers.map((one) => ({ ...one.seen, isLeftOut: isLeftOut(one) })),
  };
}

/** A dispatcher that has not heard of the entry yet has still to ramp it. */
function isOver(id: string, dispatchers: readonly Answer[]): boolean {
  return dispatchers.every(({ seen }) =>
    seen.levels.some(({ entry, level }) => entry === id && level === 0),
  );
}

async function askAccess(agents: Agents, node: AccessNode): Promise<Answer> {
  const agent = agents.of(node.id);
  if (node.role === "dispatch") {
    const [{ policy, levels }, { figures }] = await Promise.all([agent.policy(), agent.quality()]);
    const seen = seenAt(node, policy, levels, figures);
    return { node, seen, policy, gateway: null, addresses: [] };
  }
  const [{ policy, levels }, sessions, { addresses }] = await Promise.all([
    agent.policy(),
    agent.sessions(),
    agent.access(),
  ]);
  const { groups, logins, quality } = sessions;
  const gateway = { node: node.id, site: node.set, groups, logins };
  return {
    node,
    seen: seenAt(node, policy, levels, quality),
    policy,
    gateway,
    addresses: addresses.map(({ url, port }) => ({ url, port, node: node.id })),
  };
}

function seenAt(
  node: AccessNode,
  policy: PolicyDocument | null,
  levels: readonly EntryLevel[],
  quality: readonly QualityFigure[],
): Answer["seen"] {
  return { ...placeOf(node), version: policy?.version ?? null, levels, quality };
}

function placeOf({ id, role = "gateway", set }: AccessNode): Omit<SilentAgent, "why"> {
  return { node: id, role, site: set };
}

function sitesIn({ sets, idcs }: Topology, answers: readonly Answer[]): Record<string, PolicySite> {
  const carriers = new Map(idcs.map((idc) => [idc.id, idc.carriers]));
  return Object.fromEntries(
    sets.flatMap(({ id, idc, region }) => {
      const addresses = answers.flatMap((one) => (one.node.set === id ? one.addresses : []));
      return addresses.length === 0
        ? []
        : [[id, { region, carriers: carriers.get(idc)!, addresses }]];
    }),
  );
}
