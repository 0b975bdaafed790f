import type { RunEvent } from "../run/events.js";
import { type LogEntry, type LogLine, type PlainEvent, eventLine } from "./run-events.js";
import { leftText } from "./run-left.js";
import { StageLog } from "./run-stage.js";
import type { TextOptions } from "./text-options.js";

/** Of two words about one wait that differ by less, milliseconds, only the first is said. */
const SAME_WAIT_MS = 5_000;

/**
 * What a person reads of a run: a heading for each stage, a line for each group of steps that say the same, and what is out of
 * the ordinary, once.
 */
export class RunLog {
  readonly #options: Pick<TextOptions, "verbose">;
  #stage: StageLog | null = null;
  /** Of a stage in which nothing has happened yet. */
  #heading: LogLine | null = null;
  #back = false;
  /** By keyspace: the agents that have not acknowledged its routes. */
  readonly #missing = new Map<string, string>();
  /** By node, or empty for anything else that is waited for: how long still when that was last said. */
  readonly #waits = new Map<string, number>();

  constructor(options: Pick<TextOptions, "verbose">) {
    this.#options = options;
  }

  take(event: RunEvent): LogEntry {
    switch (event.type) {
      case "progress": {
        const { type: _, ...work } = event;
        return { lines: [], progress: this.#current().progress(work) };
      }
      case "step": {
        const { lines, progress } = this.#current().step(event);
        return { lines: this.#headed(lines), progress };
      }
      case "stage": {
        const lines = this.rest();
        this.#heading = null;
        this.#waits.delete("");
        if (event.state === "entered") this.#enter(event);
        return { lines, progress: null };
      }
      case "remaining":
        return { lines: [], progress: null, left: leftText(event) };
      case "evidence":
        this.#stage?.evidence(event.step, event.about, event.facts);
        return { lines: [], progress: null };
      case "stopped":
        this.#heading = null;
        return { lines: this.rest(), progress: null };
      default: {
        const line = this.#isNews(event) ? eventLine(event) : null;
        return { lines: line === null ? [] : this.#headed([line]), progress: null };
      }
    }
  }

  /** Of steps that say the same and of which not all are done: how many are. For when nothing more comes of them. */
  rest(): readonly LogLine[] {
    const lines = this.#stage?.rest() ?? [];
    this.#stage = null;
    return lines;
  }

  #enter({ stage, title, left }: Extract<RunEvent, { type: "stage"; state: "entered" }>): void {
    const text = `${this.#back ? "undo " : ""}stage ${stage}: ${title}`;
    this.#heading = { kind: "heading", text };
    this.#stage = new StageLog(left, this.#options);
  }

  /** What comes outside of any stage is a group of its own. */
  #current(): StageLog {
    return (this.#stage ??= new StageLog({}, this.#options));
  }

  #headed(lines: readonly LogLine[]): readonly LogLine[] {
    const heading = this.#heading;
    this.#heading = null;
    return heading === null ? lines : [heading, ...lines];
  }

  #isNews(event: PlainEvent): boolean {
    switch (event.type) {
      case "run":
        this.#back = event.doing === "rollback";
        return true;
      case "routes": {
        const missing = event.missing.join(", ");
        const before = this.#missing.get(event.keyspace) ?? "";
        this.#missing.set(event.keyspace, missing);
        return missing !== before;
      }
      case "answered":
        return this.#waits.delete(event.node);
      case "retry":
      case "waiting": {
        if (event.leftMs === null) return true;
        const before = this.#waits.get(event.node ?? "");
        // Many steps may wait for the same.
        if (before !== undefined && Math.abs(before - event.leftMs) < SAME_WAIT_MS) return false;
        this.#waits.set(event.node ?? "", event.leftMs);
        return true;
      }
      default:
        return true;
    }
  }
}
