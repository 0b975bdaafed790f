import { bytesText, countText, durationText, groupedText } from "../figures.js";
import { wrapped } from "../wrap.js";
import { writeErr } from "./output.js";
import { LINE_WIDTH, interactive } from "./terminal.js";

/** What a running thing can say about itself. All but `stage` only where known. */
export interface ProgressState {
  /** The stage, step or phase that is going on. */
  stage: string;
  /** What it works on, e.g. `profile [0,30M) sh-1a -> sz-1a`. */
  subject?: string;
  /** Where it stands for many: how many of them are done, and of how many, e.g. `128 segments`. */
  parts?: { done: number; of: string };
  done?: number | bigint;
  total?: number | bigint;
  /** Of `done`, `total` and `rate`. */
  unit?: "bytes" | "rows" | "sessions";
  /** Units a second. */
  rate?: number;
  lagMs?: number;
  etaMs?: number;
  /** Time in this state. */
  inStateMs?: number;
  /** Why it goes slower than it could. */
  throttled?: string;
  /** Not worth a line that stays before it has gone on for a while. */
  minor?: boolean;
}

export interface Progress {
  /** The state now. Cheap; call it as often as there is news. */
  update(state: ProgressState): void;
  /** How long all of it will go on, in words; null for not known. Said now and then. */
  left(text: string | null): void;
  /** What begins now; stays on the screen. */
  heading(line: string): void;
  /** Something finished; stays on the screen. */
  done(line: string): void;
  /** Something a person should know, and that does not end the run; stays on the screen. */
  warn(line: string): void;
  /** Leaves the terminal as it was. Safe to call twice. */
  stop(): void;
}

export interface ProgressOptions {
  /** Where `--json` is asked for: takes `progress`, `done` and `warning` events. */
  events?: (type: string, fields: object) => void;
  /** Milliseconds, monotonic. */
  now?: () => number;
  write?: (line: string) => void;
}

/** Between two lines (or events) about the same state. */
const QUIET_MS = 5_000;
const EVERY_MINUTE_MS = 60_000;
/** Of the mark before a line on a terminal. */
const SYMBOL_WIDTH = 2;

/** The renderer that suits where the output goes. */
export async function openProgress(options: ProgressOptions = {}): Promise<Progress> {
  const now = options.now ?? (() => performance.now());
  const { events } = options;
  if (events !== undefined) {
    return paced(now, 1_000, {
      update: (state) => events("progress", state),
      left: (message) => events("left", { message }),
      heading: (message) => events("begun", { message }),
      done: (message) => events("done", { message }),
      warn: (message) => events("warning", { message }),
      stop: () => {},
    });
  }
  // A terminal of unknown width (0 columns) would have the spinner erase for ever.
  const drawable = interactive(process.stderr) && process.stderr.columns > 0;
  if (options.write === undefined && drawable) return spinner(process.stderr.columns);
  const write = options.write ?? writeErr;
  const say = (text: string) => write(wrapped(text, LINE_WIDTH));
  const left = new SaidNowAndThen(now, say);
  return paced(now, QUIET_MS, {
    update: (state) => say(progressLine(state)),
    left: (text) => left.take(text),
    heading(line) {
      say(line);
      left.again();
    },
    done: say,
    warn: (line) => say(`warning: ${line}`),
    stop: () => {},
  });
}

/** A text that changes all the time, said once a minute. */
class SaidNowAndThen {
  readonly #now: () => number;
  readonly #say: (text: string) => void;
  #text: string | null = null;
  #said: string | null = null;
  #at = -Infinity;

  constructor(now: () => number, say: (text: string) => void) {
    this.#now = now;
    this.#say = say;
  }

  take(text: string | null): void {
    // What is known first stands under the next heading.
    if (this.#text === null) this.#at = this.#now();
    this.#text = text;
    if (this.#now() - this.#at >= EVERY_MINUTE_MS) this.again();
  }

  /** Says it, unless that was the last word about it. */
  again(): void {
    if (this.#text === null || this.#text === this.#said) return;
    this.#say(this.#text);
    this.#said = this.#text;
    this.#at = this.#now();
  }
}

/** Passes an update on when nothing of the same subject, stage and throttling was passed on for `everyMs`. */
function paced(now: () => number, everyMs: number, to: Progress): Progress {
  const shown = new Map<string, number>();
  return {
    ...to,
    update(state) {
      const about = JSON.stringify([state.subject, state.stage, state.throttled]);
      const at = shown.get(about);
      if (at !== undefined && now() - at < everyMs) return;
      shown.set(about, now());
      if (at !== undefined || state.minor !== true) to.update(state);
    },
    heading(line) {
      shown.clear();
      to.heading(line);
    },
  };
}

async function spinner(columns: number): Promise<Progress> {
  const { default: ora } = await import("ora");
  // discardStdin would put the terminal in raw mode and swallow Ctrl-C.
  const line = ora({ stream: process.stderr, discardStdin: false });
  const laidOut = (text: string) => wrapped(text, columns - SYMBOL_WIDTH);
  let left: string | null = null;
  return {
    update(state) {
      const text = progressLine(state);
      line.text = left === null ? text : `${text}; ${left}`;
      if (!line.isSpinning) line.start();
    },
    left: (text) => void (left = text),
    // What was going on is over with these two; the next update says what is.
    heading: (text) => void line.stopAndPersist({ symbol: " ", text: laidOut(text) }),
    done: (text) => void line.succeed(laidOut(text)),
    warn(text) {
      const { isSpinning, text: current } = line;
      line.warn(laidOut(text));
      if (isSpinning) line.start(current);
    },
    stop: () => void line.stop(),
  };
}

/** `sync profile [0,30M): 1.2 GiB / 4.0 GiB (30 %), 80 MiB/s, lag 12ms, ETA 35s, for 15s` */
export function progressLine(state: ProgressState): string {
  const amount = state.unit === "bytes" ? bytesText : countText;
  const facts: string[] = [];
  if (state.done !== undefined) {
    const done = Number(state.done);
    const total = state.total === undefined ? undefined : Number(state.total);
    const unit = state.unit === undefined || state.unit === "bytes" ? "" : ` ${state.unit}`;
    if (total === undefined || total <= 0) facts.push(`${amount(done)}${unit}`);
    else {
      const percent = Math.min(100, Math.floor((done / total) * 100));
      facts.push(`${amount(done)} / ${amount(total)}${unit} (${percent} %)`);
    }
  }
  if (state.rate !== undefined) facts.push(`${amount(state.rate)}/s`);
  if (state.lagMs !== undefined) facts.push(`lag ${durationText(state.lagMs)}`);
  if (state.etaMs !== undefined) facts.push(`ETA ${durationText(state.etaMs)}`);
  if (state.inStateMs !== undefined) facts.push(`for ${durationText(state.inStateMs)}`);
  if (state.throttled !== undefined) facts.push(`throttled: ${state.throttled}`);
  const { stage, subject, parts } = state;
  const count = parts === undefined ? "" : `, ${groupedText(parts.done)} of ${parts.of} done`;
  const title = `${subject === undefined ? stage : `${stage} ${subject}`}${count}`;
  return facts.length === 0 ? title : `${title}: ${facts.join(", ")}`;
}
