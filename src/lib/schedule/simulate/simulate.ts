import type { UserPlan } from "../../plan/users/types.js";
import { changePolicy } from "../change/policy-part.js";
import type { PolicyDocument } from "../../policy/document.js";
import { classesOf, sitesOf } from "../problem.js";
import { Drive, type SimEvent } from "./drive.js";
import { Fluid } from "./fluid.js";
import type { FluidSite } from "./sessions.js";
import { kindsOf } from "./kinds.js";
import { versionsOf } from "./recuts.js";
import { Series, type SiteSeries } from "./series.js";
import { Watcher } from "./watcher.js";
import type { VirtualService } from "./virtual.js";

/** Runs in virtual time, one after the other. */
export interface Scenario {
  readonly service: VirtualService;
  readonly legs: readonly Leg[];
  /** From the beginning of one to that of the next, seconds, if it is over by then. */
  readonly everySeconds: number;
}

export interface Leg {
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

/** Runs the plans second by second on amounts of users. `onTick`: after each second. */
export function simulate(
  scenario: Scenario,
  random: () => number,
  onTick?: (now: number, fluid: Fluid) => void,
): Simulation {
  const { service, legs } = scenario;
  const { topology, demand } = service;
  const sites = sitesOf(topology).map(({ id, loginsPerSecond: limit }) => ({ id, limit }));
  const series = new Series(sites.length);
  const played: Played[] = [];
  let now = 0;
  for (const leg of legs) {
    const one = play(scenario, leg, { sites, series, random, startedAt: now, onTick });
    played.push(one);
    now = one.endedAt;
    if (one.drive.endedAt === null || one.drive.problems.length > 0) break;
  }
  const sum = (of: (one: Played) => number) => played.reduce((all, one) => all + of(one), 0);
  const [first, last] = [played[0]!, played.at(-1)!];
  const { drive, fluid } = last;
  const capacity = new Map(topology.sets.map((set) => [set.id, set.capacity.onlineUsers]));
  const points = series.points();
  const simulated = sites.map(({ id, limit }, i): SimulatedSite => ({
    id,
    capacity: capacity.get(id)!,
    loginLimit: limit,
    before: Math.round(first.before[i]!),
    after: Math.max(0, Math.round(fluid.counts[i]!.online)),
    mostOnline: series.mostOnline(i),
    mostLogins: series.mostLogins(i),
    refused: Math.round(sum((one) => one.fluid.counts[i]!.refused)),
    ...points.sites[i]!,
  }));
  const bounds = legs.map(({ plan }) => plan.pace.boundSeconds);
  const ended = drive.endedAt === null ? now : last.startedAt + drive.endedAt;
  return {
    change: {
      what: legs[0]!.plan.change.what,
      sites: [...new Set(legs.flatMap(({ plan }) => plan.change.sites))],
    },
    users: demand.onlineUsers,
    toMove: Math.round(
      legs.flatMap(({ plan }) => plan.moves).reduce((all, one) => all + one.users, 0),
    ),
    moved:
      legs[0]!.plan.change.what === "balance"
        ? Math.round(sum((one) => one.fluid.away()))
        : simulated.reduce((all, one) => all + Math.max(0, movedOf(legs[0]!.plan, one)), 0),
    told: Math.round(sum((one) => one.drive.told)),
    ended:
      drive.endedAt === null
        ? { how: "unfinished" }
        : drive.problems.length > 0
          ? { how: "stopped", problems: drive.problems }
          : { how: "done" },
    seconds: ended - (first.drive.movingSince ?? 0),
    boundSeconds: bounds.reduce<number | null>(
      (all, one) => (all === null || one === null ? null : all + one),
      0,
    ),
    simulatedSeconds: now,
    mostOfLimit: Math.max(
      ...simulated.map(({ mostLogins, loginLimit }) =>
        mostLogins === 0 ? 0 : mostLogins / loginLimit,
      ),
    ),
    overdue: Math.round(sum((one) => one.fluid.overdue)),
    without: {
      times: Math.round(sum((one) => one.fluid.lost)),
      userSeconds: Math.round(sum((one) => one.fluid.secondsWithout)),
      most: Math.round(Math.max(...played.map(({ without }) => without))),
      atTheEnd: Math.max(0, Math.round(fluid.without)),
      series: points.without,
    },
    events: played
      .flatMap(({ startedAt, events }) =>
        events.map(({ at, what }) => ({ at: startedAt + at, what })),
      )
      .toSorted((a, b) => a.at - b.at),
    everySeconds: points.everySeconds,
    sites: simulated,
  };
}

/** A run that was played to its end. Its times are from its own start. */
interface Played {
  readonly drive: Drive;
  readonly fluid: Fluid;
  readonly events: readonly SimEvent[];
  readonly before: readonly number[];
  /** Users without a session, at most. */
  readonly without: number;
  /** Of all that is simulated, seconds. */
  readonly startedAt: number;
  readonly endedAt: number;
}

interface Stage {
  readonly sites: readonly FluidSite[];
  readonly series: Series;
  readonly random: () => number;
  readonly startedAt: number;
  readonly onTick: ((now: number, fluid: Fluid) => void) | undefined;
}

function play(
  { service, legs, everySeconds }: Scenario,
  { policy, plan }: Leg,
  { sites, series, random, startedAt, onTick }: Stage,
): Played {
  const { demand, situation, churn } = service;
  const most = mostSeconds(plan);
  const versions = versionsOf(policy, plan);
  const latest = situation.now + most * 1_000;
  const kinds = kindsOf(everInForce(policy, plan), versions, classesOf(demand), latest);
  const fluid = new Fluid({ kinds, sites, churn, random });
  const ids = sites.map(({ id }) => id);
  const drive = new Drive({ plan, policy, fluid, sites: ids, startedAt: situation.now });
  const watcher = new Watcher(sites, fluid, demand.onlineUsers);
  fluid.route(drive.levels(0), 0);
  fluid.settle();
  if (startedAt === 0) series.take(fluid.counts, fluid.without);
  const before = fluid.counts.map(({ online }) => online);
  const isLast = plan === legs.at(-1)!.plan;
  let without = 0;
  let now = 0;
  for (let until = most; now < until; now += 1) {
    const levels = drive.levels(now);
    fluid.route(levels, versions.indexOf(drive.policy.classes));
    drive.tick(now);
    fluid.tick(now);
    series.take(fluid.counts, fluid.without);
    watcher.look(now, levels);
    without = Math.max(without, fluid.without);
    onTick?.(startedAt + now, fluid);
    // A mask does what it does until it has ended.
    const isOver =
      plan.change.what !== "mask" || [...drive.levels(now).values()].every((one) => one === 0);
    if (drive.endedAt !== null && isOver && fluid.without < 0.5)
      until = Math.min(until, isLast ? now + TAIL_SECONDS : Math.max(now + 1, everySeconds));
  }
  const events = [...drive.events, ...watcher.events];
  return { drive, fluid, events, before, without, startedAt, endedAt: startedAt + now };
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

/** With the entries and fractions that the plan makes; of entries that it ends or forgets the redirects are what counts. */
function everInForce(policy: PolicyDocument, { stages }: UserPlan): PolicyDocument {
  const steps = stages.flatMap(({ waves }) => waves.flat());
  return steps.reduce(
    (all, step) =>
      step.kind === "policy" && (step.after.entries.length > 0 || step.after.classes !== null)
        ? changePolicy(all, step.before, step.after, 1n)
        : all,
    policy,
  );
}
