import { EXIT, OpsError } from "../errors.js";
import { whomText } from "../plan/users/say.js";
import type { UserPlan } from "../plan/users/types.js";
import type { UserFilter } from "../policy/filter.js";
import { alreadyInForce, planOfRepeat } from "../schedule/change/already.js";
import type { PlanContext } from "../schedule/change/assemble.js";
import { belongingTo, strayed } from "../schedule/change/elsewhere.js";
import { receiverGates } from "../schedule/change/gates.js";
import type { Intent, Pace } from "../schedule/change/intent.js";
import { planKeepAway } from "../schedule/change/keep-away.js";
import { problemNow } from "../schedule/change/problem.js";
import { planOfRestore } from "../schedule/change/restore.js";
import { overlap } from "../schedule/change/rules/one-at-a-time.js";
import { level } from "../policy/level.js";
import { type Shift, planShiftIn } from "../schedule/change/shift.js";
import { assertRules } from "../schedule/change/rules/refusal.js";
import { demandOf } from "../schedule/change/service.js";
import type { SilentAgent, Situation } from "../schedule/change/situation.js";
import type { Entry } from "../policy/document.js";
import type { Costs } from "../schedule/types.js";
import type { Topology } from "../topology/types.js";
import { type AccessSurvey, surveyAccess } from "./observe-access.js";
import { surveyElsewhere } from "./observe-elsewhere.js";
import type { RunEnvironment } from "./session.js";

/** What a change of where users are rests on. */
export interface ChangeRequest {
  readonly topology: Topology;
  readonly topologyHash: string;
  readonly costs: Costs;
}

/** What is to be done, and which access agents were not heard when that was worked out. */
export interface Change {
  /** Null where nothing is to be done, by all that the access agents say. */
  readonly plan: UserPlan | null;
  readonly silent: readonly SilentAgent[];
}

/** How users are to be kept away. */
export interface KeepAway extends Change {
  readonly already: readonly InForce[];
}

/** An entry that does already what is wanted. */
export interface InForce extends Omit<Entry, "redirects" | "epoch"> {
  /** Until it expires. */
  readonly leftMs: number;
}

export type Reading = Pick<RunEnvironment, "store" | "connect" | "clock" | "random">;

/** Bytes of the random part of a name. */
const NAME_BYTES = 3;

/** What makes the names of one change its own. */
export function suffixOf({ random }: Pick<Reading, "random">): string {
  return Buffer.from(random(NAME_BYTES)).toString("hex");
}

/**
 * Plans to keep users away from sites, but for those from which the same users are kept away so already. `writesSeconds`: what the same
 * run takes besides, before users are told.
 * @throws OpsError (exit 3) `unsafe` with what each safety rule that is not overridden has to say, `no-policy`, `no-demand`; (exit 9)
 * `unreachable` when no dispatcher answers
 */
export async function planChange(
  env: Reading,
  request: ChangeRequest,
  wanted: Intent,
  writesSeconds = 0,
): Promise<KeepAway> {
  const { topology, costs } = request;
  const demand = demandOf(topology);
  assertRules(wanted.overrides);
  const survey = await surveyAccess(env, topology);
  const { situation } = survey;
  assertPolicy(situation);
  const entries = alreadyInForce(wanted, situation);
  const already = entries.map((entry) => inForce(entry, situation.now));
  const { silent, policy } = situation;
  const sites = wanted.sites.filter((id) => !entries.some(({ site }) => site === id));
  if (sites.length === 0) {
    const isBehind = survey.agents.some(({ version }) => version !== policy.version);
    const again = () => planOfRepeat(wanted, entries, situation, contextOf(request, survey));
    return { plan: isBehind ? again() : null, already, silent };
  }
  const suffix = suffixOf(env);
  const plan = await planKeepAway(
    { topology, demand, costs },
    situation,
    { ...wanted, sites },
    (site) => `${site}-${suffix}`,
    { ...contextOf(request, survey), writesSeconds },
  );
  return { plan, already, silent };
}

function inForce({ redirects: _redirects, epoch: _epoch, ...entry }: Entry, now: number): InForce {
  return { ...entry, leftMs: entry.expires - now };
}

/**
 * Plans to move a part of a site's users to others for good, batch after batch. Null where nobody is there who could be moved.
 * @throws OpsError (exit 64) `bad-flag` for too many batches, (exit 3) `sick-site` where not every gateway of a receiver answers; others as `planChange`
 */
export async function planShift(
  env: Reading,
  request: ChangeRequest,
  asked: Omit<Shift, "id">,
): Promise<UserPlan | null> {
  const { topology, costs } = request;
  assertRules(asked.overrides);
  const survey = await surveyAccess(env, topology);
  const { situation } = survey;
  assertPolicy(situation);
  assertWell(situation, [...asked.to.keys()], "nothing was changed");
  const id = `shift-${suffixOf(env)}`;
  const service = { topology, demand: demandOf(topology), costs };
  return planShiftIn(service, situation, { ...asked, id }, contextOf(request, survey));
}

/**
 * Plans to send users to sites again, by ending the entries for them or a part of them, and to call those home who are elsewhere without
 * an entry. No plan where there are neither.
 * @throws OpsError (exit 3) `other-entry` where one is for others too, `sick-site` where not every gateway of a site answers; others as `planChange`
 */
export async function planRestore(
  env: Reading,
  request: ChangeRequest,
  asked: {
    readonly sites: readonly string[];
    readonly filter: UserFilter;
    readonly reason: string;
    readonly actor: string;
    readonly pace: Pace;
  },
): Promise<Change> {
  const { topology, costs } = request;
  const survey = await surveyAccess(env, topology);
  assertPolicy(survey.situation);
  const entries = survey.situation.policy.entries.filter(
    (entry) => asked.sites.includes(entry.site) && isWithin(entry, asked.filter),
  );
  const { elsewhere, silent: unsaid } = await surveyElsewhere(env, survey);
  const silent = [...survey.situation.silent, ...unsaid];
  const situation = { ...survey.situation, silent };
  const strays = strayed(elsewhere, situation);
  const isStrayed = (site: string) =>
    asked.filter.port === null &&
    entries.every((entry) => entry.site !== site) &&
    belongingTo(site, asked.filter, strays).length > 0;
  const lost = asked.sites.filter(isStrayed);
  if (entries.length === 0) assertNoneWider(situation, asked);
  if (entries.length + lost.length === 0) return { plan: null, silent };
  const sites = [...entries.map(({ site }) => site), ...lost];
  assertWell(survey.situation, sites, "the entries stay until then");
  const problem = problemNow(topology, demandOf(topology), situation, [], costs);
  const restore = { ...asked, entries, strayed: lost, elsewhere, id: `home-${suffixOf(env)}` };
  const plan = planOfRestore(restore, situation, problem, contextOf(request, survey));
  return { plan, silent };
}

/** Refuses to send users to sites of which a gateway does not answer. */
export function assertWell({ silent }: Situation, sites: readonly string[], until: string): void {
  const sick = silent.filter(({ role, site }) => role === "gateway" && sites.includes(site));
  if (sick.length === 0) return;
  const list = sick.map(({ node, site, why }) => `\n  ${node} of ${site}: ${why}`).join("");
  throw new OpsError(
    "sick-site",
    EXIT.refused,
    `Users are not sent to a site that is not well:${list}`,
    { hint: `start its gateways; ${until}` },
  );
}

export function assertPolicy(situation: Situation): void {
  if (situation.policy.version === 0) {
    throw new OpsError("no-policy", EXIT.refused, "no policy for users was ever published", {
      hint: "ops schedule balance makes the first one",
    });
  }
  assertDispatcher(situation);
}

/** Throws OpsError `unreachable` (exit 9). */
export function assertDispatcher({ dispatchers }: Situation): void {
  if (dispatchers.length > 0) return;
  throw new OpsError(
    "unreachable",
    EXIT.unreachable,
    "no dispatcher answers: nobody can tell logins where to go",
    {
      hint: "start at least one, or correct their URLs in the topology",
    },
  );
}

/** Whether all users that the entry is for are among those that are meant. */
function isWithin(entry: UserFilter, meant: UserFilter): boolean {
  const fields = ["carrier", "province", "port"] as const;
  return fields.every((field) => meant[field] === null || meant[field] === entry[field]);
}

/** Throws OpsError `other-entry` (exit 3) where an entry keeps those who are meant away, and others with them. */
function assertNoneWider(
  { policy, now }: Situation,
  { sites, filter }: { readonly sites: readonly string[]; readonly filter: UserFilter },
): void {
  const wider = policy.entries.filter(
    (entry) => sites.includes(entry.site) && overlap(entry, filter) && level(entry, now) > 0,
  );
  if (wider.length === 0) return;
  const list = wider.map(
    (entry) => `\n  ${entry.id}: ${entry.mode} ${entry.site} for ${whomText(entry)}`,
  );
  throw new OpsError(
    "other-entry",
    EXIT.refused,
    `An entry ends as a whole, and these are for others too:${list.join("")}`,
    { hint: "give the --carrier, --province and --port that they were made with, or none" },
  );
}

export function contextOf(
  { topology, topologyHash }: Pick<ChangeRequest, "topology" | "topologyHash">,
  survey: AccessSurvey,
): PlanContext {
  return {
    createdAt: new Date(survey.situation.now).toISOString(),
    topology: { name: topology.name, hash: topologyHash },
    nodes: survey.nodes,
    gates: receiverGates(topology.policy),
  };
}
