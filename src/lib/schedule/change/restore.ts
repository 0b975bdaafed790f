import type { PlannedEntry, UserPlan, UserStepDraft } from "../../plan/users/types.js";
import type { Placement } from "../assign/placement.js";
import type { Entry } from "../../policy/document.js";
import { type UserFilter, isFor } from "../../policy/filter.js";
import type { Problem } from "../types.js";
import { type PlanContext, assemble } from "./assemble.js";
import { type Elsewhere, countOf } from "./elsewhere.js";
import type { Pace } from "./intent.js";
import { pacePlanned } from "./pace.js";
import { changePolicy, entriesOnly, planned } from "./policy-part.js";
import { askedOf } from "./proposal.js";
import type { GatewaySeen, Situation } from "./situation.js";
import { type Leaving, leavingAs, reloginWaves, watchStep } from "./stages.js";
import { viewOf } from "./view.js";

/** What a person wants: users sent again to sites from which entries keep them away, and those home who are elsewhere without that. */
export interface Restore {
  readonly entries: readonly Entry[];
  /** Sites without an entry, of which users are elsewhere all the same. */
  readonly strayed: readonly string[];
  /** Of whose users; null stands for all. */
  readonly filter: Pick<UserFilter, "carrier" | "province">;
  /** Users of the sites, where they are. */
  readonly elsewhere: readonly Elsewhere[];
  /** On whose account those of sites without an entry are told: a part of its name. */
  readonly id: string;
  readonly reason: string;
  readonly actor: string;
  readonly pace: Pace;
}

/** Users of a site who are told to come home. */
interface Account {
  readonly entry: string;
  readonly site: string;
  readonly filter: UserFilter;
}

/** The entries end now: logins come back step by step, then those who belong there are told, then the entries are forgotten. */
export function planOfRestore(
  { entries, strayed, filter, elsewhere, id, reason, actor, pace: asked }: Restore,
  situation: Situation,
  problem: Problem,
  context: PlanContext,
): UserPlan {
  const { policy, now } = situation;
  const accounts: Account[] = [
    ...entries.map(({ id: of, site, carrier, province }) => {
      return { entry: `${of}-back`, site, filter: { carrier, province, port: null } };
    }),
    ...strayed.map((site) => {
      return { entry: `${site}-${id}`, site, filter: { ...filter, port: null } };
    }),
  ];
  // Of entries that overlap the first tells all whom it means: nobody counts twice.
  const accountOf = (site: string, carrier: string, province: string) =>
    accounts.find((one) => one.site === site && isFor(one.filter, { carrier, province, port: 0 }));
  const comingOf = new Map(
    accounts.map((account) => [
      account,
      elsewhere.filter((one) => accountOf(one.home, one.carrier, one.province) === account),
    ]),
  );
  const sites = [...new Set(accounts.map(({ site }) => site))];
  const before = entries.map(planned);
  // The clock of whoever made an entry may be ahead of this one.
  const ending = before.map((entry) => ({
    ...entry,
    expires: Math.max(entry.since + 1, Math.min(entry.expires, now)),
  }));
  const view = viewOf(
    problem,
    situation,
    homeward(problem, [...comingOf.values()].flat()),
    askedOf(asked),
  );
  const { moves, receivers, pace } = view;
  const watch = watchStep(receivers, situation, context.gates);
  const waves =
    moves.length === 0
      ? []
      : reloginWaves(
          [...comingOf].flatMap(([account, coming]) =>
            returning(
              account,
              coming,
              situation,
              moves.filter(
                ({ to, carrier, province }) => accountOf(to, carrier, province!) === account,
              ),
            ),
          ),
          pace,
          watch,
        );
  const watched = waves.flat().filter(({ kind }) => kind === "receivers").length;
  const rampSeconds = Math.max(
    0,
    ...entries.map(({ ramp: { step, everyMs } }) => (Math.ceil(1 / step) * everyMs) / 1_000),
  );
  return assemble(
    [
      {
        kind: "restore",
        title: `Logins are sent to ${sites.join(", ")} again, step by step`,
        waves: [
          policyStep(before, ending),
          entries.map(({ id, site }) => ({
            kind: "ramp" as const,
            entries: [id],
            site,
            seconds: rampSeconds,
          })),
        ],
        how: "publish the policy as it was: what has not expired keeps users away again",
        seconds: rampSeconds,
      },
      {
        kind: "return",
        title: `Users who belong to ${sites.join(", ")} are told to log in there`,
        waves,
        how: "nothing: they are told when users are moved anew",
        seconds: pace.seconds + watched * context.gates.windowSeconds,
      },
      {
        kind: "end",
        title: "The entries are forgotten",
        waves: [policyStep(ending, [])],
        how: "nothing: they have expired by then",
        seconds: 1,
      },
    ],
    situation,
    changePolicy(policy, entriesOnly(before), entriesOnly([]), 0n),
    context,
    {
      change: { what: "restore", sites, reason, actor, overridden: [] },
      moves,
      receivers,
      pace: pacePlanned(pace),
    },
  );
}

/** None where there is nothing to change. */
function policyStep(
  before: readonly PlannedEntry[],
  after: readonly PlannedEntry[],
): UserStepDraft[] {
  if (before.length === 0) return [];
  return [{ kind: "policy", before: entriesOnly(before), after: entriesOnly(after) }];
}

/** Those who belong to the sites there, from where they are. */
function homeward({ classes }: Problem, coming: readonly Elsewhere[]): Placement {
  const key = (carrier: string, province: string, site: string | null) =>
    JSON.stringify([carrier, province, site]);
  const from = new Map<string, Map<string, number>>();
  for (const { carrier, province, site, home, sessions } of coming) {
    const to = from.get(key(carrier, province, site)) ?? new Map<string, number>();
    to.set(home, (to.get(home) ?? 0) + sessions);
    from.set(key(carrier, province, site), to);
  }
  const shares = classes.map(({ carrier, province, site, users }) => {
    if (site === null) return [];
    const to = [...(from.get(key(carrier, province, site)) ?? [])];
    // They were counted a moment after all who are there.
    const all = to.reduce((sum, [, sessions]) => sum + sessions, 0);
    const part = all > users ? users / all : 1;
    const gone = to.map(([home, sessions]) => ({ site: home, users: sessions * part }));
    return [{ site, users: Math.max(0, users - all * part) }, ...gone];
  });
  return { shares };
}

/** The gateways that have those of an account, each as many as it counts. */
function returning(
  { entry, site, filter }: Account,
  coming: readonly Elsewhere[],
  situation: Situation,
  moves: UserPlan["moves"],
): Leaving[] {
  const thereAt = ({ node }: GatewaySeen) => countOf(coming.filter((one) => one.node === node));
  return leavingAs(moves, { entry, filter, home: site }, situation, thereAt);
}
