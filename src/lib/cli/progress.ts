import { bytesText, countText, durationText } from "../figures.js";
import { writeErr } from "./output.js";
import { interactive } from "./terminal.js";

/** What a running thing can say about itself. All but `stage` only where known. */
export interface ProgressState {
  /** The stage, step or phase that is going on. */
  stage: string;
  /** What it works on, e.g. `profile [0,30M) sh-1a -> sz-1a`. */
  subject?: string;
  done?: number | bigint;
  total?: number | bigint;
  /** Of `done`, `total` and `rate`. */
  unit?: "bytes" | "rows" | "steps";
  /** Units a second. */
  rate?: number;
  lagMs?: number;
  etaMs?: number;
  /** Time in this state. */
  inStateMs?: number;
  /** Why it goes slower than it could. */
  throttled?: string;
}

export interface Progress {
  /** The state now. Cheap; call it as often as there is news. */
  update(state: ProgressState): void;
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

/** The renderer that suits where the output goes. */
export async function openProgress(options: ProgressOptions = {}): Promise<Progress> {
  const now = options.now ?? (() => performance.now());
  const { events } = options;
  if (events !== undefined) {
    return paced(now, 1_000, {
      update: (state) => events("progress", state),
      done: (message) => events("done", { message }),
      warn: (message) => events("warning", { message }),
      stop: () => {},
    });
  }
  // A terminal of unknown width (0 columns) would have the spinner erase for ever.
  const drawable = interactive(process.stderr) && process.stderr.columns > 0;
  if (options.write === undefined && drawable) return spinner();
  const write = options.write ?? writeErr;
  return paced(now, QUIET_MS, {
    update: (state) => write(progressLine(state)),
    done: write,
    warn: (line) => write(`warning: ${line}`),
    stop: () => {},
  });
}

/** Passes an update on when the stage, subject or throttling changed, or after `everyMs`. */
function paced(now: () => number, everyMs: number, to: Progress): Progress {
  let shown = "";
  let at = -Infinity;
  return {
    ...to,
    update(state) {
      const identity = JSON.stringify([state.stage, state.subject, state.throttled]);
      if (identity === shown && now() - at < everyMs) return;
      shown = identity;
      at = now();
      to.update(state);
    },
  };
}

async function spinner(): Promise<Progress> {
  const { default: ora } = await import("ora");
  // discardStdin would put the terminal in raw mode and swallow Ctrl-C.
  const line = ora({ stream: process.stderr, discardStdin: false });
  const above = (write: () => unknown): void => {
    const { isSpinning, text } = line;
    write();
    if (isSpinning) line.start(text);
  };
  return {
    update(state) {
      line.text = progressLine(state);
      if (!line.isSpinning) line.start();
    },
    done: (text) => above(() => line.succeed(text)),
    warn: (text) => above(() => line.warn(text)),
    stop: () => void line.stop(),
  };
}

/** `sync profile [0,30M): 1.2 GiB / 4.0 GiB (30 %), 80 MiB/s, lag 12 ms, ETA 35s, for 15s` */
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
  const title = state.subject === undefined ? state.stage : `${state.stage} ${state.subject}`;
  return facts.length === 0 ? title : `${title}: ${facts.join(", ")}`;
}
