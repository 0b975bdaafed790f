import { durationText, spreadText } from "../figures.js";
import { countItems } from "../plan/say.js";
import type { RunEvent, StepProgress } from "../run/events.js";
import type { JsonObject } from "../run/journal/records.js";
import { countText, groupText, itemsText } from "./group.js";
import type { LogEntry, LogLine } from "./run-events.js";
import { type WorkProgress, together } from "./run-progress.js";
import type { TextOptions } from "./text-options.js";

type StepEvent = Extract<RunEvent, { type: "step" }>;

/** Steps that say the same, in whatever waves they are. Counted by what they are about: a step may have many segments. */
interface Group {
  readonly first: StepEvent;
  total: number;
  begun: number;
  readonly done: StepEvent[];
  /** Of takeovers, milliseconds. */
  readonly pauses: { readonly planned: number; readonly actual: number }[];
  /** Gates that had too few reads to go by: in how many seconds, by step. */
  readonly quiet: Map<string, { readonly node: string; readonly seconds: number }>;
  /** The last word of steps that are under way, by step, and of those that are done. */
  readonly progress: Map<string, StepProgress>;
  readonly over: StepProgress[];
}

/** Up to so many groups whose work goes on side by side are told one by one. */
const GROUPS_TOLD = 4;

/** The steps of one stage, as they begin and end: a line for each group once all of it is done. */
export class StageLog {
  readonly #left: Readonly<Record<string, number>>;
  readonly #verbose: boolean;
  /** Of which not all are done. */
  readonly #groups = new Map<string, Group>();
  readonly #groupOf = new Map<string, Group>();

  /** `left`: how many things the stage has to do, by what they have in common. */
  constructor(left: Readonly<Record<string, number>>, { verbose }: Pick<TextOptions, "verbose">) {
    this.#left = left;
    this.#verbose = verbose;
  }

  step(event: StepEvent): LogEntry {
    const key = this.#verbose ? event.step : event.like;
    if (event.state === "begun") {
      const group = this.#groups.get(key) ?? this.#open(key, event);
      group.begun += countItems([event]);
      group.total = Math.max(group.total, group.begun);
      this.#groupOf.set(event.step, group);
      return { lines: [], progress: countOf(group) };
    }
    const group = this.#groupOf.get(event.step) ?? this.#open(key, event);
    group.done.push(event);
    const progress = group.progress.get(event.step);
    if (progress !== undefined) group.over.push(progress);
    group.progress.delete(event.step);
    if (countItems(group.done) < group.total) return { lines: [], progress: countOf(group) };
    this.#groups.delete(key);
    const [next] = this.#groups.values();
    return {
      lines: this.#lineOf(group),
      progress: next === undefined ? null : countOf(next),
    };
  }

  evidence(step: string, about: string, facts: JsonObject): void {
    const group = this.#groupOf.get(step);
    if (about === "takeover") {
      const { plannedMs, actualMs } = facts;
      group?.pauses.push({ planned: Number(plannedMs), actual: Number(actualMs) });
    } else if (about === "gate") {
      const { node, seconds, quiet } = facts;
      if (quiet === true && typeof node === "string")
        group?.quiet.set(step, { node, seconds: Number(seconds) });
      else group?.quiet.delete(step);
    }
  }

  progress(work: StepProgress): WorkProgress {
    const group = this.#groupOf.get(work.step);
    if (group === undefined)
      return { ...together([work]), what: this.#verbose ? work.what : "", isMinor: false };
    group.progress.set(work.step, work);
    const working = [...this.#groups.values()].filter(({ progress }) => progress.size > 0);
    const told = working.length > GROUPS_TOLD ? working : [group];
    const open = told.flatMap(({ progress }) => [...progress.values()]);
    const over = told.flatMap((one) => one.over);
    const total = told.reduce((sum, one) => sum + one.total, 0);
    if (total === 1) return { ...together(open, over), what: work.what, isMinor: false };
    const more = told.length === 1 ? "" : ` and ${told.length - 1} more`;
    const done = told.reduce((sum, one) => sum + countItems(one.done), 0);
    return {
      ...together(open, over),
      what: `${open[0]!.like}${more}`,
      steps: { done, of: countText(total, group.first.kind) },
      isMinor: false,
    };
  }

  /** What is said of groups of which not all have been done. */
  rest(): readonly LogLine[] {
    return [...this.#groups.values()].flatMap((group) => this.#lineOf(group));
  }

  #lineOf({ done, total, pauses, quiet }: Group): LogLine[] {
    const [one, ...others] = done;
    if (one === undefined) return [];
    const mark = one.state === "undone" ? "undone: " : "";
    const text = groupText([one, ...others], { of: total, mark, verbose: this.#verbose });
    if (quiet.size > 0) return [{ kind: "warning", text: `${text}; ${quietText(quiet)}` }];
    return [{ kind: "done", text: `  ${text}${pausesText(pauses)}` }];
  }

  #open(key: string, first: StepEvent): Group {
    const own = countItems([first]);
    const total = this.#verbose ? own : (this.#left[first.like] ?? own);
    const group = {
      first,
      total,
      begun: 0,
      done: [],
      pauses: [],
      quiet: new Map(),
      progress: new Map(),
      over: [],
    };
    this.#groups.set(key, group);
    return group;
  }
}

function countOf({ first, done, total }: Group): WorkProgress {
  if (total === 1) return { phase: first.what, what: "", isMinor: true };
  const steps = { done: countItems(done), of: countText(total, first.kind) };
  return { phase: first.like, what: "", steps, isMinor: true };
}

function pausesText(pauses: Group["pauses"]): string {
  if (pauses.length === 0) return "";
  const times = pauses.length === 1 ? "" : ` ${pauses.length} times,`;
  const actual = spreadText(pauses.map((pause) => pause.actual));
  return `; writes paused${times} ${actual} (planned ${spreadText(pauses.map(({ planned }) => planned))})`;
}

function quietText(quiet: Group["quiet"]): string {
  const gates = [...quiet.values()];
  const nodes = [...new Set(gates.map(({ node }) => node))].toSorted();
  const seconds = Math.max(...gates.map((gate) => gate.seconds));
  return `too few reads in ${durationText(seconds * 1000)} to judge by: ${itemsText(nodes, "preflight")}`;
}
