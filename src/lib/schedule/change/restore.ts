import type { UserPlan } from "../../plan/users/types.js";
import type { Placement } from "../assign/placement.js";
import { fractionsOf } from "../../policy/fractions.js";
import type { Entry } from "../../policy/document.js";
import type { Problem, UserClass } from "../types.js";
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
  const view = viewOf(
    problem,
    situation,
    homeward(problem, situation, entries, sites),
    askedOf(asked),
  );
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

/**
 * Those who belong to the sites there: from where the entries sent them, and the others of their class evenly. No more leave a site
 * than are there.
 */
function homeward(
  { classes }: Problem,
  { policy }: Situation,
  entries: readonly Entry[],
  sites: readonly string[],
): Placement {
  const shares = new Map<UserClass, Map<string, number>>(
    classes.map((one) => [one, new Map([[one.site ?? "", one.users]])]),
  );
  const here = (one: UserClass) => shares.get(one)!.get(one.site ?? "")!;
  const send = (one: UserClass, to: string, users: number) => {
    const own = shares.get(one)!;
    own.set(one.site!, here(one) - users);
    own.set(to, (own.get(to) ?? 0) + users);
  };
  for (const { carrier, province, base } of policy.classes) {
    const all = classes.filter((one) => one.carrier === carrier && one.province === province);
    const away = all.filter(({ site }) => site !== null && !sites.includes(site));
    const belong = fractionsOf(base);
    for (const site of sites) {
      const there = sumOf(all.filter((one) => one.site === site).map(({ users }) => users));
      let missing = Math.max(
        0,
        sumOf(all.map(({ users }) => users)) * (belong.get(site) ?? 0) - there,
      );
      const sent = sentFrom(entries, site, { carrier, province });
      const ways = away.map((one) => Math.min(here(one), missing * (sent.get(one.site!) ?? 0)));
      for (const [i, one] of away.entries()) send(one, site, ways[i]!);
      missing -= sumOf(ways);
      const left = sumOf(away.map(here));
      const part = left === 0 ? 0 : Math.min(1, Math.max(0, missing) / left);
      for (const one of away) send(one, site, here(one) * part);
    }
  }
  return {
    shares: classes.map((one) =>
      [...shares.get(one)!]
        .map(([site, users]) => ({ site, users }))
        .filter(({ site, users }) => site === (one.site ?? "") || users > 0),
    ),
  };
}

/** Of those of a class whom an entry keeps away from the site: the part that it sends to each other one. */
function sentFrom(
  entries: readonly Entry[],
  site: string,
  { carrier, province }: Pick<UserClass, "carrier" | "province">,
): Map<string, number> {
  const ways = entries
    .filter((entry) => entry.site === site)
    .flatMap(({ redirects }) => redirects)
    .find((one) => one.carrier === carrier && one.province === province);
  return fractionsOf(ways?.map ?? []);
}

function sumOf(all: readonly number[]): number {
  return all.reduce((sum, one) => sum + one, 0);
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
