import type { Loss } from "../../topology/capacity/losses.js";
import type { Demand, Topology } from "../../topology/types.js";
import { assign, type Level } from "../assign/assign.js";
import { arrivalsOf } from "../assign/placement.js";
import type { Shortage } from "../assign/shortage.js";
import { classesOf, limitsOf, sitesOf } from "../problem.js";
import { type Costs, isSomeone, type Problem, type Site, type UserClass } from "../types.js";
import { type Uses, usesOf } from "./use.js";
import { lossesToLookAt } from "./what.js";

/** How the users are spread best, and how best when a place is lost. */
export interface Outcome extends Uses {
  /** Null for now, with nothing lost. */
  readonly loss: Loss | null;
  /** Whether the policy says that it must be carried. */
  readonly required: boolean;
  readonly fits: boolean;
  readonly unplaced: number;
  /** Users who log in at another site: those of lost sites, and those of others who make room. */
  readonly moved: number;
  readonly madeRoom: number;
  /** Until all have logged in, at the spare login rates; and what no assignment that moves as few is below. */
  readonly seconds: number;
  readonly leastSeconds: number;
  /** Of users who have a place. */
  readonly meanMs: number;
  readonly levels: readonly Level[];
  readonly shortage: Shortage | null;
}

/** Everyone where they are best now, and then one loss after the other from there. */
export async function* studyLosses(
  topology: Topology,
  demand: Demand,
  costs: Costs,
): AsyncGenerator<Outcome> {
  const base: Problem = {
    sites: sitesOf(topology),
    limits: limitsOf(topology, demand),
    classes: classesOf(demand),
    closed: [],
    costs,
    moves: null,
  };
  const now = await assign(base);
  const outcome = async (problem: Problem, loss: Loss | null, required: boolean) => {
    const found = loss === null ? now : await assign(problem);
    const value = new Map(found.levels.map((level) => [level.name, level.value]));
    const { levels, leastSeconds, shortage } = found;
    const placed = found.shares.flat().reduce((sum, { users }) => sum + users, 0);
    return {
      loss,
      required,
      fits: !isSomeone(value.get("unplaced")!),
      unplaced: value.get("unplaced")!,
      moved: [...arrivalsOf(problem, found).values()].reduce((a, b) => a + b, 0),
      madeRoom: value.get("moved")!,
      seconds: value.get("seconds")!,
      leastSeconds,
      meanMs: placed === 0 ? 0 : value.get("cost")! / placed,
      levels,
      shortage,
      ...usesOf(topology, demand, problem, found, loss),
    };
  };
  yield { ...(await outcome(base, null, true)), moved: 0, seconds: 0, leastSeconds: 0 };

  const classes = base.classes.flatMap((one, i): UserClass[] => {
    const shares = now.shares[i]!;
    const rest = one.users - shares.reduce((sum, { users }) => sum + users, 0);
    const placed = shares.map(({ site, users }) => ({ ...one, site, users }));
    return isSomeone(rest) ? [...placed, { ...one, users: rest }] : placed;
  });
  const sites = withSpareLogins(base.sites, classes, demand);
  for (const { loss, required } of lossesToLookAt(topology)) {
    const closed = sites
      .filter(({ idc }) => loss.idcs.has(idc))
      .map(({ id }) => ({ site: id, carrier: null, province: null }));
    yield outcome({ ...base, sites, classes, closed }, loss, required);
  }
}

/** Without the logins that each site has at the peak anyway: its part of them is that of the users. */
function withSpareLogins(
  sites: readonly Site[],
  classes: readonly UserClass[],
  { onlineUsers, loginsPerSecond }: Demand,
): Site[] {
  const users = new Map<string | null, number>();
  for (const one of classes) users.set(one.site, (users.get(one.site) ?? 0) + one.users);
  return sites.map((site) => {
    const usual = (loginsPerSecond * (users.get(site.id) ?? 0)) / onlineUsers;
    return { ...site, loginsPerSecond: Math.max(0, site.loginsPerSecond - usual) };
  });
}
