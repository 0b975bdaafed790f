import { countText } from "../../figures.js";
import type { ReceiversStep, UserPlan, UserStageKind, UserStep } from "../../plan/users/types.js";
import type { Counts } from "../change/gates.js";
import { ReceiverWatch } from "../change/receiver-watch.js";
import { changePolicy } from "../change/policy-part.js";
import type { PolicyDocument } from "../../policy/document.js";
import { level } from "../../policy/level.js";
import type { Fluid } from "./fluid.js";

/** Something that happened, so many seconds after the start. */
export interface SimEvent {
  readonly at: number;
  readonly what: string;
}

export interface DriveOptions {
  readonly plan: UserPlan;
  readonly policy: PolicyDocument;
  readonly fluid: Fluid;
  /** In the order of the counts of the fluid. */
  readonly sites: readonly string[];
  /** At the start, ms since 1970. */
  readonly startedAt: number;
}

/** A step under way: what it does in one second, and whether that was all. */
type Task = (now: number) => boolean;

/** Fewer than half a user are nobody. */
const SOMEONE = 0.5;

/** With the first of these stages users begin to move. */
const MOVES: ReadonlySet<UserStageKind> = new Set(["mask", "return", "shift", "drill", "balance"]);

/** Users are told to leave, or closed. */
const TELLS: ReadonlySet<UserStep["kind"]> = new Set(["relogin", "disconnect", "empty"]);

interface Wave {
  readonly stage: UserPlan["stages"][number];
  readonly steps: readonly UserStep[];
}

/** Does what a run and the agents do, second by second: one wave after the other, the steps of a wave at the same time. */
export class Drive {
  readonly events: SimEvent[] = [];
  policy: PolicyDocument;
  /** Why the run stopped by itself; empty for as long as it has not. */
  problems: readonly string[] = [];
  /** When the users began to move, and when the last step was done. */
  movingSince: number | null = null;
  endedAt: number | null = null;
  /** Told to log in elsewhere, or closed. */
  told = 0;

  readonly #options: DriveOptions;
  readonly #waves: readonly Wave[];
  #next = 0;
  #tasks: readonly Task[] = [];
  #toldBefore = 0;

  constructor(options: DriveOptions) {
    this.#options = options;
    this.policy = options.policy;
    this.#waves = options.plan.stages.flatMap((stage) =>
      stage.waves.map((steps) => ({ stage, steps })),
    );
  }

  /** The share of users that each entry keeps away, by its id. Every site is well. */
  levels(now: number): Map<string, number> {
    const ms = this.#options.startedAt + now * 1_000;
    return new Map(this.policy.entries.map((entry) => [entry.id, level(entry, ms)]));
  }

  /** What the run does in this second. */
  tick(now: number): void {
    if (this.endedAt !== null) return;
    if (this.#tasks.length === 0) this.#begin(now);
    this.#tasks = this.#tasks.filter((task) => !task(now));
    if (this.problems.length > 0) {
      this.endedAt = now;
      this.#tell(now, `the run stops by itself: ${this.problems.join("; ")}`);
    } else if (this.#tasks.length === 0) this.#end(now);
  }

  #begin(now: number): void {
    const { stage, steps } = this.#waves[this.#next]!;
    const isFirst = this.#waves[this.#next - 1]?.stage !== stage;
    if (isFirst && stage.kind !== "reach" && stage.kind !== "recall") this.#tell(now, stage.title);
    if (MOVES.has(stage.kind)) this.movingSince ??= now;
    this.#toldBefore = this.told;
    const others = () => this.#tasks.length > 1;
    this.#tasks = steps.map((step) => this.#task(step, now, others));
  }

  #end(now: number): void {
    const { stage, steps } = this.#waves[this.#next]!;
    const told = this.told - this.#toldBefore;
    if (told >= 1) {
      const isClosing = steps.some(({ kind }) => kind === "disconnect");
      const did = isClosing ? "connections were closed" : "users were told";
      const part = stage.waves.filter((wave) => wave.some(({ kind }) => TELLS.has(kind)));
      const which = part.length > 1 ? `part ${1 + part.indexOf(steps)} of ${part.length}: ` : "";
      this.#tell(now, `${which}${countText(told)} ${did}`);
    }
    this.#next += 1;
    if (this.#next < this.#waves.length) return;
    this.endedAt = now;
    this.#tell(now, "the run is done");
  }

  /** `others`: whether other steps of its wave are not done. */
  #task(step: UserStep, started: number, others: () => boolean): Task {
    switch (step.kind) {
      case "reach":
      case "recall":
        return () => true;
      case "policy":
        return () => {
          this.policy = changePolicy(this.policy, step.before, step.after, 1n);
          return true;
        };
      case "relogin":
        return this.#relogin(step);
      case "empty":
        return this.#relogin({ ...step, kind: "relogin", home: null, sessions: null });
      case "disconnect":
        return this.#disconnect(step);
      case "receivers":
        return this.#watch(step, started, others);
      case "ramp":
        return (now) =>
          now >= started + step.seconds &&
          step.entries.every((id) => (this.levels(now).get(id) ?? 0) === 0);
    }
  }

  #relogin(step: Extract<UserStep, { kind: "relogin" }>): Task {
    const { fluid } = this.#options;
    const { filter, withinMs } = step;
    const perSecond = step.perSecond ?? Infinity;
    const site = this.#site(step.site);
    const task = fluid.openTask();
    let more = step.sessions ?? Infinity;
    return (now) => {
      const options = { task, now, within: withinMs / 1_000 };
      const { users, left } = fluid.tell(site, filter, Math.min(more, perSecond), options);
      more -= users;
      this.told += users;
      return (more < SOMEONE || left < SOMEONE) && fluid.staying(task) < SOMEONE;
    };
  }

  #disconnect({ site, filter, perSecond }: Extract<UserStep, { kind: "disconnect" }>): Task {
    const { fluid } = this.#options;
    return (now) => {
      const { users, left } = fluid.close(this.#site(site), filter, perSecond ?? Infinity, now);
      this.told += users;
      return left < SOMEONE;
    };
  }

  /** Every second while the others of the wave go on, and a window after. A URL is not asked. */
  #watch({ receivers, gates }: ReceiversStep, started: number, others: () => boolean): Task {
    const count = (): Counts =>
      new Map(
        receivers.map(({ site }) => [
          site,
          { ...this.#options.fluid.counts[this.#site(site)]!, lateMs: null },
        ]),
      );
    const all = receivers.map((one) => ({ ...one, nodes: [one.site] }));
    const watch = new ReceiverWatch(all, gates, count());
    let since = started;
    return (now) => {
      if (others()) {
        since = now;
        this.problems = watch.look(now * 1_000, count());
        return false;
      }
      if (now < since + gates.windowSeconds) return false;
      this.problems = watch.verdict(count());
      return true;
    };
  }

  #site(id: string): number {
    return this.#options.sites.indexOf(id);
  }

  #tell(at: number, what: string): void {
    this.events.push({ at, what });
  }
}
