import { planComingHome, planLeaving, type WritersPlan } from "../plan/writers.js";
import { composePlan } from "../plan/region/compose.js";
import type { RegionPlan, Stays } from "../plan/region/types.js";
import { usersOf } from "../plan/any.js";
import { assertSound } from "../plan/check/index.js";
import type { UserPlan } from "../plan/users/types.js";
import { SCHEDULE } from "../policy/document.js";
import type { Intent, Pace } from "../schedule/change/intent.js";
import { antiFlap } from "../schedule/change/rules/anti-flap.js";
import { oneAtATime } from "../schedule/change/rules/one-at-a-time.js";
import type { SilentAgent } from "../schedule/change/situation.js";
import { EXIT, OpsError } from "../errors.js";
import type { Topology } from "../topology/types.js";
import { type ChangeRequest, type InForce, planChange, planRestore } from "./change-users.js";
import { keyspaceScope } from "./context.js";
import { unfinishedRuns } from "./find-run.js";
import { accessNodes } from "./observe-access.js";
import { BUCKETS, dataAgents } from "./observe.js";
import { type RunEnvironment, planOf } from "./session.js";
import { observeWithSilent } from "./silent-writers.js";

type Reading = Pick<RunEnvironment, "store" | "connect" | "clock" | "random">;

/** What becomes of a region, before anybody agreed to it. */
export interface RegionChange {
  /** Null where users and writes are where they should be, or cannot get there. */
  readonly plan: RegionPlan | null;
  readonly already: readonly InForce[];
  readonly silent: readonly SilentAgent[];
  readonly stays: readonly Stays[];
  /** Why the users of the region cannot be moved; null where they can. */
  readonly usersStay: string | null;
  readonly looked: LookedAt;
}

/** What was looked at: what of it is not in the plan is as it should be, or is named in `stays`. */
export interface LookedAt {
  /** The sets of the region; none where the topology has no access agents. */
  readonly sites: readonly string[];
  /** Of which a data node that answers holds something. */
  readonly keyspaces: readonly string[];
  /** Data nodes with an agent. */
  readonly nodes: { readonly answering: number; readonly all: number };
}

/** Writes must leave a region also while nobody can tell users where to go. */
const WITHOUT_USERS: ReadonlySet<string> = new Set(["no-policy", "no-demand", "unreachable"]);

const EVERYONE = { carrier: null, province: null, port: null } as const;

/**
 * Plans to move everyone and every write out of a region: users as a disable of its sets does, writes to replicas elsewhere.
 * @throws OpsError as `planChange` does, (exit 64) `no-such-region`
 */
export async function planEvacuation(
  env: Reading,
  request: ChangeRequest,
  region: string,
  wanted: Omit<Intent, "sites" | "filter">,
): Promise<RegionChange> {
  const sites = setsOf(request.topology, region);
  // An entry has to outlast the writes as well.
  const writers = await planWrites(env, request, (one) => planLeaving(one, region));
  const seconds = writers.plan?.estimate.seconds ?? 0;
  const users = await planLeavers(env, request, sites, wanted, seconds);
  const { usersStay } = users;
  const plan = composed(request, region, "evacuate", wanted, users, writers, env);
  const looked = lookedAt(request, sites, writers);
  const isDeaf = looked.nodes.all > 0 && looked.nodes.answering === 0;
  if (plan === null && isDeaf && users.already.length === 0) throw nobodyAnswers();
  return { ...users, plan, stays: writers.stays, usersStay, looked };
}

type Leavers = Omit<RegionChange, "plan" | "stays" | "looked"> & { readonly plan: UserPlan | null };

async function planLeavers(
  env: Reading,
  request: ChangeRequest,
  sites: readonly string[],
  wanted: Omit<Intent, "sites" | "filter">,
  writesSeconds: number,
): Promise<Leavers> {
  const nobody = { plan: null, already: [], silent: [] };
  if (!hasAccess(request.topology)) return { ...nobody, usersStay: null };
  // What has stopped half-way there is as good as nothing: this takes its place.
  const replacing = (await isOneUnfinishedAt(env, sites)) ? [oneAtATime.id, antiFlap.id] : [];
  const overrides = [...new Set([...wanted.overrides, ...replacing])];
  try {
    const intent = { ...wanted, sites, filter: EVERYONE, overrides };
    return { ...(await planChange(env, request, intent, writesSeconds)), usersStay: null };
  } catch (error) {
    if (!(error instanceof OpsError) || !WITHOUT_USERS.has(error.code)) throw error;
    return { ...nobody, usersStay: error.message };
  }
}

/** Whether a run of users that has not ended is about one of the sites. */
async function isOneUnfinishedAt({ store }: Reading, sites: readonly string[]): Promise<boolean> {
  const open = (await unfinishedRuns(store, [SCHEDULE])) ?? [];
  const plans = await Promise.all(open.map(({ run }) => planOf(store, run)));
  return plans.some((plan) => usersOf(plan)?.change.sites.some((site) => sites.includes(site)));
}

/**
 * Plans to bring them back: users as a restore of its sets does, writes to the primaries that the file has there.
 * @throws OpsError as `planRestore` does, (exit 64) `no-such-region`
 */
export async function planRegionRestore(
  env: Reading,
  request: ChangeRequest,
  region: string,
  wanted: { readonly reason: string; readonly actor: string; readonly pace: Pace },
): Promise<RegionChange> {
  const { topology } = request;
  const sites = setsOf(topology, region);
  const users = hasAccess(topology)
    ? await planRestore(env, request, { ...wanted, sites, filter: EVERYONE })
    : { plan: null, silent: [] };
  const writers = await planWrites(env, request, (one) => planComingHome(one, region));
  const half = { plan: users.plan, usersStay: null };
  const plan = composed(request, region, "restore", wanted, half, writers, env);
  const looked = lookedAt(request, sites, writers);
  const { silent } = users;
  return { plan, already: [], silent, stays: writers.stays, usersStay: null, looked };
}

function lookedAt(
  { topology }: ChangeRequest,
  sites: readonly string[],
  { keyspaces, nodes }: Writers,
): LookedAt {
  return { sites: hasAccess(topology) ? sites : [], keyspaces, nodes };
}

/**
 * Two runs that move the same writes would each be in the other's way back; so the first one goes on, or back.
 * @throws OpsError `unfinished-run` (exit 3)
 */
export async function assertOnlyOne(
  { store }: Pick<RunEnvironment, "store">,
  topology: Topology,
  region: string,
): Promise<void> {
  for (const { run } of (await unfinishedRuns(store, scopesOf(topology, region))) ?? []) {
    const plan = await planOf(store, run);
    if (plan.kind !== "region" || !plan.change.sites.includes(region)) continue;
    throw new OpsError(
      "unfinished-run",
      EXIT.refused,
      `run ${run} (${plan.change.what} ${region}) has not ended; nothing was stopped`,
      {
        hint: `ops run resume ${run}, or ops run rollback ${run}; to close connections at once meanwhile: ops schedule disable ${region} --mode strong --override one-at-a-time`,
      },
    );
  }
}

/** All that a change of the region may lock: users, and the keyspaces of which its data nodes hold anything by the file. */
export function scopesOf({ nodes, keyspaces }: Topology, region: string): string[] {
  const inside = new Set(nodes.filter((node) => node.region === region).map(({ id }) => id));
  const held = keyspaces.filter(({ shards }) =>
    shards.some(({ primary, replicas }) => [primary, ...replicas].some((id) => inside.has(id))),
  );
  return [SCHEDULE, ...held.map(({ id }) => keyspaceScope(id))];
}

function nobodyAnswers(): OpsError {
  return new OpsError("unreachable", EXIT.unreachable, "no agent answers: nothing can be moved", {
    hint: "start at least one, or correct their URLs in the topology",
  });
}

type Writers = WritersPlan & Pick<LookedAt, "keyspaces" | "nodes">;

async function planWrites(
  { connect, clock }: Reading,
  { topology, topologyHash }: ChangeRequest,
  planning: (request: Parameters<typeof planLeaving>[0]) => WritersPlan,
): Promise<Writers> {
  const agents = await connect(dataAgents(topology));
  try {
    const observed = await observeWithSilent(agents, BUCKETS);
    const createdAt = new Date(clock.now()).toISOString();
    const writers = planning({ topology, observed, createdAt, topologyHash });
    if (writers.plan !== null) assertSound(writers.plan);
    const all = agents.nodes.length;
    const held = observed.keyspaces.filter(({ entries }) => entries.length > 0);
    return {
      ...writers,
      keyspaces: held.map(({ id }) => id).toSorted(),
      nodes: { answering: all - observed.unreachable.length, all },
    };
  } finally {
    await agents.close();
  }
}

function composed(
  { topology, topologyHash }: ChangeRequest,
  region: string,
  what: "evacuate" | "restore",
  { reason, actor }: { readonly reason: string; readonly actor: string },
  { plan: users, usersStay }: Pick<Leavers, "plan" | "usersStay">,
  { plan: shards, stays }: WritersPlan,
  { clock }: Reading,
): RegionPlan | null {
  if (users === null && shards === null) return null;
  const overridden = users?.change.overridden ?? [];
  return composePlan({
    createdAt: new Date(clock.now()).toISOString(),
    topology: { name: topology.name, hash: topologyHash },
    change: { what, sites: [region], reason, actor, overridden },
    users,
    shards,
    stays,
    usersStay,
  });
}

function hasAccess(topology: Topology): boolean {
  return accessNodes(topology).length > 0;
}

/** Throws OpsError `no-such-region` (exit 64). */
export function setsOf({ regions, sets }: Topology, region: string): string[] {
  if (regions.some(({ id }) => id === region))
    return sets.filter((set) => set.region === region).map(({ id }) => id);
  throw new OpsError("no-such-region", EXIT.usage, `the topology has no region ${region}`, {
    hint: `it has: ${regions.map(({ id }) => id).join(", ")}`,
  });
}
