import type { UserPlan } from "../../plan/users/types.js";
import { changePolicy } from "../change/policy-part.js";
import type { PolicyDocument } from "../../policy/document.js";
import { classesOf, sitesOf } from "../problem.js";
import { Drive, type SimEvent } from "./drive.js";
import { Fluid } from "./fluid.js";
import { kindsOf } from "./kinds.js";
import { versionsOf } from "./recuts.js";
import { Series, type SiteSeries } from "./series.js";
import { Watcher } from "./watcher.js";
import type { VirtualService } from "./virtual.js";

/** A run in virtual time. */
export interface Scenario {
  readonly service: VirtualService;
  /** At the start; the run changes it. */
  readonly policy: PolicyDocument;
  readonly plan: UserPlan;
}

export interface SimulatedSite extends SiteSeries {
  readonly id: string;
  readonly capacity: number;
  readonly loginLimit: number;
  readonly before: number;
  readonly after: number;
  readonly mostOnline: number;
  /** In any one second. */
  readonly mostLogins: number;
  readonly refused: number;
}

export interface Simulation {
  readonly change: { readonly what: string; readonly sites: readonly string[] };
  readonly users: number;
  /** By the plan. */
  readonly toMove: number;
  /** Fewer users than before at some sites: those who have moved. Of a drill: more than before at its peak. */
  readonly moved: number;
  /** Told to log in elsewhere, or closed. Others move when they log in by themselves. */
  readonly told: number;
  readonly ended:
    | { readonly how: "done" }
    | { readonly how: "stopped"; readonly problems: readonly string[] }
    /** The longest time that is simulated was over. */
    | { readonly how: "unfinished" };
  /** From the first user who moved to the last step. */
  readonly seconds: number;
  readonly boundSeconds: number | null;
  /** Until nothing more was to be seen. */
  readonly simulatedSeconds: number;
  /** The most logins in one second over what the site takes in it, of all sites. */
  readonly mostOfLimit: number;
  readonly overdue: number;
  /** Whose session was closed, or who was refused without one. */
  readonly without: {
    /** Some may have been more than once. */
    readonly times: number;
    /** All of them together. */
    readonly userSeconds: number;
    /** At the same time. */
    readonly most: number;
    readonly atTheEnd: number;
    /** At the same times as those of the sites. */
    readonly series: readonly number[];
  };
  readonly events: readonly SimEvent[];
  /** Between two points of a series. */
  readonly everySeconds: number;
  readonly sites: readonly SimulatedSite[];
}

/** Nothing is simulated for longer. */
const MOST_SECONDS = 24 * 3_600;
/** A mask is watched for so long at most. */
const WATCH_SECONDS = 6 * 3_600;
/** What comes after the last event. */
const TAIL_SECONDS = 60;

/** Runs the plan second by second on amounts of users. `onTick`: after each second. */
export function simulate(
  { service, policy, plan }: Scenario,
  random: () => number,
  onTick?: (now: number, fluid: Fluid) => void,
): Simulation {
  const { topology, demand, situation, churn } = service;
  const sites = sitesOf(topology).map(({ id, loginsPerSecond: limit }) => ({ id, limit }));
  const most = mostSeconds(plan);
  const versions = versionsOf(policy, plan);
  const kinds = kindsOf(
    everInForce(policy, plan),
    versions,
    classesOf(demand),
    situation.now + most * 1_000,
  );
  const fluid = new Fluid({
    kinds,
    sites,
    churn,
    random,
  });
  const ids = sites.map(({ id }) => id);
  const drive = new Drive({ plan, policy, fluid, sites: ids, startedAt: situation.now });
  const events = new Watcher(sites, fluid, demand.onlineUsers);
  const series = new Series(fluid.counts);
  fluid.route(drive.levels(0), 0);
  fluid.settle();
  series.take(fluid.without);
  const before = fluid.counts.map(({ online }) => online);
  let without = 0;
  let now = 0;
  for (let until = most; now < until; now += 1) {
    const levels = drive.levels(now);
    fluid.route(levels, versions.indexOf(drive.policy.classes));
    drive.tick(now);
    fluid.tick(now);
    series.take(fluid.without);
    events.look(now, levels);
    without = Math.max(without, fluid.without);
    onTick?.(now, fluid);
    // A mask does what it does until it has ended.
    const isOver =
      plan.change.what !== "mask" || [...drive.levels(now).values()].every((one) => one === 0);
    if (drive.endedAt !== null && isOver && fluid.without < 0.5)
      until = Math.min(until, now + TAIL_SECONDS);
  }
  const { endedAt, movingSince, problems } = drive;
  const capacity = new Map(topology.sets.map((set) => [set.id, set.capacity.onlineUsers]));
  const points = series.points();
  const simulated = sites.map(({ id, limit }, i): SimulatedSite => {
    const { online, refused } = fluid.counts[i]!;
    return {
      id,
      capacity: capacity.get(id)!,
      loginLimit: limit,
      before: Math.round(before[i]!),
      after: Math.max(0, Math.round(online)),
      mostOnline: series.mostOnline(i),
      mostLogins: series.mostLogins(i),
      refused: Math.round(refused),
      ...points.sites[i]!,
    };
  });
  return {
    change: { what: plan.change.what, sites: plan.change.sites },
    users: demand.onlineUsers,
    toMove: Math.round(plan.moves.reduce((sum, one) => sum + one.users, 0)),
    moved: simulated.reduce((sum, one) => sum + Math.max(0, movedOf(plan, one)), 0),
    told: Math.round(drive.told),
    ended:
      endedAt === null
        ? { how: "unfinished" }
        : problems.length > 0
          ? { how: "stopped", problems }
          : { how: "done" },
    seconds: (endedAt ?? now) - (movingSince ?? 0),
    boundSeconds: plan.pace.boundSeconds,
    simulatedSeconds: now,
    mostOfLimit: Math.max(
      ...simulated.map(({ mostLogins, loginLimit }) =>
        mostLogins === 0 ? 0 : mostLogins / loginLimit,
      ),
    ),
    overdue: Math.round(fluid.overdue),
    without: {
      times: Math.round(fluid.lost),
      userSeconds: Math.round(fluid.secondsWithout),
      most: Math.round(without),
      atTheEnd: Math.max(0, Math.round(fluid.without)),
      series: points.without,
    },
    events: [...drive.events, ...events.events].toSorted((a, b) => a.at - b.at),
    everySeconds: points.everySeconds,
    sites: simulated,
  };
}

function movedOf(
  { change: { what, sites } }: UserPlan,
  { id, before, mostOnline, after }: SimulatedSite,
): number {
  if (what !== "drill") return before - after;
  return sites.includes(id) ? Math.round(mostOnline) - before : 0;
}

/** Long enough to see what goes wrong, too. */
function mostSeconds({ change, estimate, pace }: UserPlan): number {
  if (change.what === "mask") return WATCH_SECONDS;
  return Math.min(MOST_SECONDS, 1.5 * Math.max(estimate.seconds, pace.boundSeconds ?? 0) + 1_800);
}

/** With the entries that the plan makes; of those that it ends or forgets the redirects are what counts. */
function everInForce(policy: PolicyDocument, { stages }: UserPlan): PolicyDocument {
  const steps = stages.flatMap(({ waves }) => waves.flat());
  return steps.reduce(
    (all, step) =>
      step.kind === "policy" && step.after.entries.length > 0
        ? changePolicy(all, step.before, step.after, 1n)
        : all,
    policy,
  );
}
