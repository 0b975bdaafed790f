import type { UserPlan } from "../../plan/users/types.js";
import type { Placement } from "../assign/placement.js";
import { fractionsOf } from "../../policy/fractions.js";
import type { Entry } from "../../policy/document.js";
import type { Problem } from "../types.js";
import { type PlanContext, assemble } from "./assemble.js";
import type { Pace } from "./intent.js";
import { pacePlanned } from "./pace.js";
import { changePolicy, entriesOnly, planned } from "./policy-part.js";
import { askedOf } from "./proposal.js";
import type { Situation } from "./situation.js";
import { type Leaving, leavingBy, reloginWaves, watchStep } from "./stages.js";
import { viewOf } from "./view.js";

/** What a person wants: users sent again to sites from which entries keep them away. */
export interface Restore {
  readonly entries: readonly Entry[];
  readonly reason: string;
  readonly actor: string;
  readonly pace: Pace;
}

/** The entries end now: logins come back step by step, then those who belong there are told, then the entries are forgotten. */
export function planOfRestore(
  { entries, reason, actor, pace: asked }: Restore,
  situation: Situation,
  problem: Problem,
  context: PlanContext,
): UserPlan {
  const { policy, now } = situation;
  const sites = [...new Set(entries.map(({ site }) => site))];
  const before = entries.map(planned);
  // The clock of whoever made an entry may be ahead of this one.
  const ending = before.map((entry) => ({
    ...entry,
    expires: Math.max(entry.since + 1, Math.min(entry.expires, now)),
  }));
  const view = viewOf(problem, situation, homeward(problem, situation, sites), askedOf(asked));
  const { moves, receivers, pace } = view;
  const watch = watchStep(receivers, situation, context.gates);
  const waves =
    moves.length === 0 ? [] : reloginWaves(returning(entries, situation, moves), pace, watch);
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
          [{ kind: "policy", before: entriesOnly(before), after: entriesOnly(ending) }],
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
        how: "nothing: they are told when the entries are in force again and users are moved anew",
        seconds: pace.seconds + watched * context.gates.windowSeconds,
      },
      {
        kind: "end",
        title: "The entries are forgotten",
        waves: [[{ kind: "policy", before: entriesOnly(ending), after: entriesOnly([]) }]],
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

/** Those who belong to the sites there, taken from the others of their class evenly. */
function homeward(
  { classes }: Problem,
  { policy }: Situation,
  sites: readonly string[],
): Placement {
  const shareOf = (carrier: string, province: string, site: string): number => {
    const own = policy.classes.find((one) => one.carrier === carrier && one.province === province);
    return fractionsOf(own?.base ?? []).get(site) ?? 0;
  };
  const total = new Map<string, number>();
  const key = (one: { carrier: string; province: string }, site: string | null) =>
    JSON.stringify([one.carrier, one.province, site]);
  for (const one of classes) {
    const all = key(one, null);
    total.set(all, (total.get(all) ?? 0) + one.users);
    if (one.site !== null && sites.includes(one.site)) {
      const here = key(one, one.site);
      total.set(here, (total.get(here) ?? 0) + one.users);
    }
  }
  const shares = classes.map((one) => {
    if (one.site === null || sites.includes(one.site))
      return [{ site: one.site ?? "", users: one.users }];
    const all = total.get(key(one, null))!;
    const there = sites.reduce((sum, site) => sum + (total.get(key(one, site)) ?? 0), 0);
    const elsewhere = all - there;
    const missing = sites.map((site) =>
      Math.max(
        0,
        all * shareOf(one.carrier, one.province, site) - (total.get(key(one, site)) ?? 0),
      ),
    );
    // Where one of the sites has more than its share the others lack more than there are elsewhere.
    const wanted = Math.max(
      elsewhere,
      missing.reduce((sum, users) => sum + users, 0),
    );
    const coming = sites.map((site, i) => ({
      site,
      users: wanted === 0 ? 0 : (missing[i]! * one.users) / wanted,
    }));
    const gone = coming.reduce((sum, { users }) => sum + users, 0);
    return [
      { site: one.site, users: one.users - gone },
      ...coming.filter(({ users }) => users > 0),
    ];
  });
  return { shares };
}

/** The gateways of the sites that users come from, on account of the entry that kept them away. */
function returning(
  entries: readonly Entry[],
  situation: Situation,
  moves: UserPlan["moves"],
): Leaving[] {
  return entries.flatMap(({ id, site, carrier, province }) => {
    const home = moves.filter(({ to }) => to === site);
    const filter = { carrier, province, port: null };
    return leavingBy(home, { entry: `${id}-back`, filter, home: site }, situation);
  });
}
