import { EXIT, OpsError } from "../errors.js";
import { who } from "../plan/users/say.js";
import type { UserFilter, UserPlan } from "../plan/users/types.js";
import { assign } from "../schedule/assign/assign.js";
import type { PlanContext } from "../schedule/change/assemble.js";
import { planOfBalance } from "../schedule/change/balance.js";
import type { Intent, Pace } from "../schedule/change/intent.js";
import { planOfProposal } from "../schedule/change/plan.js";
import { problemNow } from "../schedule/change/problem.js";
import { proposalOf } from "../schedule/change/proposal.js";
import { planOfRestore } from "../schedule/change/restore.js";
import { overlap } from "../schedule/change/rules/one-at-a-time.js";
import { type Objection, SAFETY_RULES, objectionsTo } from "../schedule/change/rules/registry.js";
import { level } from "../schedule/policy/level.js";
import type { Situation } from "../schedule/change/situation.js";
import { classesOf, limitsOf, sitesOf } from "../schedule/problem.js";
import type { Costs } from "../schedule/types.js";
import type { Demand, Topology } from "../topology/types.js";
import { type AccessSurvey, surveyAccess } from "./observe-access.js";
import type { RunEnvironment } from "./session.js";

/** What a change of where users are rests on. */
export interface ChangeRequest {
  readonly topology: Topology;
  readonly topologyHash: string;
  readonly costs: Costs;
}

type Reading = Pick<RunEnvironment, "store" | "connect" | "clock" | "random">;

/** Bytes of the random part of an entry's name. */
const NAME_BYTES = 3;

/**
 * Plans to keep users away from sites.
 * @throws OpsError (exit 3) `unsafe` with what each safety rule that is not overridden has to say, `no-policy`, `no-demand`; (exit 9)
 * `unreachable` when no dispatcher answers
 */
export async function planChange(
  env: Reading,
  request: ChangeRequest,
  intent: Intent,
): Promise<UserPlan> {
  const { topology, costs } = request;
  const demand = demandOf(topology);
  assertRules(intent.overrides);
  const survey = await surveyAccess(env, topology);
  const { situation } = survey;
  assertPolicy(situation);
  const { carrier, province, port } = intent.filter;
  // Another port of the site is as good as the site.
  const leaving = port === null ? intent.sites.map((site) => ({ site, carrier, province })) : [];
  const problem = problemNow(topology, demand, situation, leaving, costs);
  const assignment = await assign(problem);
  const suffix = Buffer.from(env.random(NAME_BYTES)).toString("hex");
  const proposal = proposalOf(
    intent,
    situation,
    problem,
    assignment,
    (site) => `${site}-${suffix}`,
  );
  const objections = objectionsTo(proposal);
  const standing = objections.filter(({ overridden }) => !overridden);
  if (standing.length > 0) throw unsafe(standing);
  return planOfProposal(proposal, objections, contextOf(request, survey));
}

/**
 * Plans to send users to sites again, by ending the entries for them or a part of them. Null where none keeps them away.
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
): Promise<UserPlan | null> {
  const { topology, costs } = request;
  const survey = await surveyAccess(env, topology);
  const { situation } = survey;
  assertPolicy(situation);
  const entries = situation.policy.entries.filter(
    (entry) => asked.sites.includes(entry.site) && isWithin(entry, asked.filter),
  );
  if (entries.length === 0) {
    assertNoneWider(situation, asked);
    return null;
  }
  const sick = situation.silent.filter(
    ({ role, site }) => role === "gateway" && entries.some((entry) => entry.site === site),
  );
  if (sick.length > 0) {
    const list = sick.map(({ node, site, why }) => `\n  ${node} of ${site}: ${why}`).join("");
    throw new OpsError(
      "sick-site",
      EXIT.refused,
      `Users are not sent to a site that is not well:${list}`,
      {
        hint: "start its gateways; the entries stay until then",
      },
    );
  }
  const problem = problemNow(topology, demandOf(topology), situation, [], costs);
  return planOfRestore({ ...asked, entries }, situation, problem, contextOf(request, survey));
}

/** Plans to spread logins by quality under capacity, from the topology's demand. Null where they are spread so already. */
export async function planBalance(
  env: Reading,
  request: ChangeRequest,
  asked: { readonly reason: string; readonly actor: string },
): Promise<UserPlan | null> {
  const { topology, costs } = request;
  const demand = demandOf(topology);
  const survey = await surveyAccess(env, topology);
  const { situation, sites: seen } = survey;
  assertDispatcher(situation);
  const known = new Set(topology.sets.map(({ id }) => id));
  const kept = Object.entries(situation.policy.sites).filter(([id]) => known.has(id));
  const sites = { ...Object.fromEntries(kept), ...seen };
  const problem = {
    sites: sitesOf(topology),
    limits: limitsOf(topology, demand),
    classes: classesOf(demand),
    closed: topology.sets
      .filter(({ id }) => !Object.hasOwn(sites, id))
      .map(({ id }) => ({ site: id, carrier: null, province: null })),
    costs,
    moves: null,
  };
  const assignment = await assign(problem);
  if (assignment.shortage !== null) {
    const missing = Math.ceil(assignment.shortage.missing);
    throw new OpsError(
      "no-room",
      EXIT.refused,
      `the sites do not hold everyone: ${missing} users have no place`,
      {
        hint: "ops schedule capacity says which limit is in the way",
      },
    );
  }
  return planOfBalance(
    { ...asked, sites },
    situation,
    problem,
    assignment,
    contextOf(request, survey),
  );
}

function demandOf({ name, demand }: Topology): Demand {
  if (demand !== null) return demand;
  throw new OpsError(
    "no-demand",
    EXIT.refused,
    `topology ${name} does not say how many users there are`,
    {
      hint: "add `demand` (docs/topology.md)",
    },
  );
}

function assertPolicy(situation: Situation): void {
  if (situation.policy.version === 0) {
    throw new OpsError("no-policy", EXIT.refused, "no policy for users was ever published", {
      hint: "ops schedule balance makes the first one",
    });
  }
  assertDispatcher(situation);
}

function assertDispatcher({ dispatchers }: Situation): void {
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
    (entry) => `\n  ${entry.id}: ${entry.mode} ${entry.site} for ${who(entry)}`,
  );
  throw new OpsError(
    "other-entry",
    EXIT.refused,
    `An entry ends as a whole, and these are for others too:${list.join("")}`,
    { hint: "give the --carrier, --province and --port that they were made with, or none" },
  );
}

function assertRules(overrides: readonly string[]): void {
  const known = SAFETY_RULES.map(({ id }) => id);
  const stranger = overrides.find((rule) => !known.includes(rule));
  if (stranger === undefined) return;
  throw new OpsError("unknown-rule", EXIT.usage, `there is no safety rule ${stranger}`, {
    hint: `known are ${known.join(", ")}`,
  });
}

function unsafe(standing: readonly Objection[]): OpsError {
  const list = standing.map(({ rule, message }) => `\n  ${rule}: ${message}`).join("");
  const rules = [...new Set(standing.map(({ rule }) => rule))];
  return new OpsError("unsafe", EXIT.refused, `Refused, nothing was changed:${list}`, {
    hint: `if it must be: ${rules.map((rule) => `--override ${rule}`).join(" ")} (the reason is recorded)`,
    details: standing,
  });
}

function contextOf({ topology, topologyHash }: ChangeRequest, survey: AccessSurvey): PlanContext {
  const { gates } = topology.policy;
  return {
    createdAt: new Date(survey.situation.now).toISOString(),
    topology: { name: topology.name, hash: topologyHash },
    nodes: survey.nodes,
    gates: {
      windowSeconds: gates.windowSeconds,
      minSamples: gates.minSamples,
      maxRefused: gates.maxErrorRate,
      maxOnline: 1,
    },
  };
}
