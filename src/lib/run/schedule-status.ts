import type { EntryLevel, QualityFigure } from "../agent/protocol/access.js";
import { loginsOf } from "../schedule/change/view.js";
import { type SilentAgent, usersOnline } from "../schedule/change/situation.js";
import { belongingTo, countOf, strayed } from "../schedule/change/elsewhere.js";
import type { Entry } from "../policy/document.js";
import type { Topology } from "../topology/types.js";
import { type AccessSeen, type AccessSurvey, accessNodes, surveyAccess } from "./observe-access.js";
import { type ElsewhereSurvey, surveyElsewhere } from "./observe-elsewhere.js";
import type { RunEnvironment } from "./session.js";

/** How users and sites are, as the access agents say. */
export interface ScheduleStatus {
  readonly topology: string;
  /** The newest policy that an agent or the state has; null when none was ever published. */
  readonly policy: number | null;
  /** Counted by the gateways that answer; null where none does, so that nobody knows. */
  readonly online: number | null;
  readonly sites: readonly SiteStatus[];
  readonly carriers: readonly CarrierStatus[];
  readonly agents: readonly AgentPolicy[];
  readonly silent: readonly SilentAgent[];
}

export interface SiteStatus {
  readonly id: string;
  /** Null where no gateway of the site answers, or it has none. */
  readonly online: number | null;
  /** Users online that the set is rated for. */
  readonly capacity: number;
  /** Over the gateways that answer; null where none does. */
  readonly logins: { readonly now: number; readonly limit: number } | null;
  readonly gateways: { readonly answering: number; readonly all: number };
  /** Share of the heartbeats, 0..1; null where too few were measured. */
  readonly loss: number | null;
  readonly entries: readonly EntryStatus[];
  /**
   * Users who belong here and are connected elsewhere, though no entry keeps them away: until they log in again, or are told. Null where
   * no gateway answers, or one of another site that does has not said it.
   */
  readonly strayed: number | null;
}

/** What keeps users away from a site, and how far. */
export interface EntryStatus extends Omit<Entry, "redirects" | "epoch" | "site"> {
  /** Until it expires; negative once it has. */
  readonly leftMs: number;
  /** At the dispatchers that have it. */
  readonly levels: readonly (Omit<EntryLevel, "entry"> & { readonly node: string })[];
  /** Dispatchers that answer and do not have it. */
  readonly lacking: readonly string[];
}

export interface CarrierStatus {
  readonly id: string;
  /** Null where no gateway answers. */
  readonly online: number | null;
  readonly loss: number | null;
}

export type AgentPolicy = Pick<AccessSeen, "node" | "role" | "site" | "version" | "isLeftOut">;

/** Asks all access agents; changes nothing. */
export async function readScheduleStatus(
  env: Pick<RunEnvironment, "store" | "connect" | "clock">,
  topology: Topology,
): Promise<ScheduleStatus> {
  const survey = await surveyAccess(env, topology);
  return scheduleStatus(topology, survey, await surveyElsewhere(env, survey));
}

/** What a survey says, by site and by carrier. */
export function scheduleStatus(
  topology: Topology,
  { situation, agents }: Pick<AccessSurvey, "situation" | "agents">,
  { elsewhere, silent: unsaid }: ElsewhereSurvey,
): ScheduleStatus {
  const { policy, now, gateways } = situation;
  const users = usersOnline(situation);
  const logins = loginsOf(situation);
  const strays = strayed(elsewhere, situation);
  const figures = agents.flatMap(({ quality }) => quality);
  const dispatchers = agents.filter(({ role }) => role === "dispatch");
  const nodes = accessNodes(topology).filter(({ role }) => role !== "dispatch");
  const carriers = new Set([
    ...(topology.demand?.carriers ?? []).map(({ id }) => id),
    ...topology.idcs.flatMap((idc) => idc.carriers),
    ...users.map(({ carrier }) => carrier),
  ]);
  const counting = new Set(gateways.map(({ site }) => site));
  const isCounted = (site: string | null) =>
    counting.size > 0 && (site === null || counting.has(site));
  const isSaid = (home: string) => counting.size > 0 && unsaid.every(({ site }) => site === home);
  const online = (of: readonly { readonly users: number }[], site: string | null = null) =>
    isCounted(site) ? of.reduce((sum, one) => sum + one.users, 0) : null;
  return {
    topology: topology.name,
    policy: policy.version === 0 ? null : policy.version,
    online: online(users),
    sites: topology.sets.map(({ id, capacity }) => ({
      id,
      online: online(
        users.filter(({ site }) => site === id),
        id,
      ),
      capacity: capacity.onlineUsers,
      logins: logins.get(id) ?? null,
      gateways: {
        answering: gateways.filter(({ site }) => site === id).length,
        all: nodes.filter(({ set }) => set === id).length,
      },
      loss: lossOf(figures.filter(({ site }) => site === id)),
      entries: policy.entries
        .filter(({ site }) => site === id)
        .map((entry) => entryStatus(entry, now, dispatchers)),
      strayed: isSaid(id)
        ? countOf(belongingTo(id, { carrier: null, province: null }, strays))
        : null,
    })),
    carriers: [...carriers].map((id) => ({
      id,
      online: online(users.filter(({ carrier }) => carrier === id)),
      loss: lossOf(figures.filter(({ carrier }) => carrier === id)),
    })),
    agents: agents.map(({ node, role, site, version, isLeftOut }) => {
      return { node, role, site, version, isLeftOut };
    }),
    silent: [...situation.silent, ...unsaid],
  };
}

function entryStatus(
  { redirects: _redirects, epoch: _epoch, site: _site, ...entry }: Entry,
  now: number,
  dispatchers: readonly AccessSeen[],
): EntryStatus {
  const levels = dispatchers.flatMap((dispatcher) => {
    const own = dispatcher.levels.find((one) => one.entry === entry.id);
    if (own === undefined) return [];
    const { level, held, unwell } = own;
    return [{ node: dispatcher.node, level, held, unwell }];
  });
  const having = new Set(levels.map(({ node }) => node));
  return {
    ...entry,
    leftMs: entry.expires - now,
    levels,
    lacking: dispatchers.map(({ node }) => node).filter((node) => !having.has(node)),
  };
}

/** Of all samples together. */
function lossOf(figures: readonly QualityFigure[]): number | null {
  const known = figures.filter(({ loss }) => loss !== null);
  const samples = known.reduce((sum, one) => sum + one.samples, 0);
  if (samples === 0) return null;
  return known.reduce((sum, one) => sum + one.samples * one.loss!, 0) / samples;
}
