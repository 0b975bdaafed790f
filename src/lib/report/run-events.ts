import type { RunEvent } from "../run/events.js";
import { durationText } from "../figures.js";
import type { WorkProgress } from "./run-progress.js";

/** A line that stays on the screen. */
export interface LogLine {
  readonly kind: "heading" | "done" | "warning";
  readonly text: string;
}

/** What an event comes to: lines that stay, and how the work at hand goes on. */
export interface LogEntry {
  readonly lines: readonly LogLine[];
  readonly progress: WorkProgress | null;
  /** How long it will go on in all; null for news that it is not known any more. */
  readonly left?: string | null;
}

/** An event that is told by itself. */
export type PlainEvent = Exclude<
  RunEvent,
  { type: "progress" | "step" | "stage" | "evidence" | "remaining" | "stopped" }
>;

export function eventLine(event: PlainEvent): LogLine {
  switch (event.type) {
    case "run":
      return { kind: "heading", text: `${event.doing} ${event.run}` };
    case "routes": {
      const { keyspace, version, missing } = event;
      return missing.length === 0
        ? done(`every agent has the routes of ${keyspace}`)
        : warning(
            `version ${version} of the routes of ${keyspace} is not acknowledged by ${missing.join(", ")}; redirects keep their clients right`,
          );
    }
    case "policy": {
      const { version, missing } = event;
      return missing.length === 0
        ? done(`every access agent that takes part has version ${version} of the policy`)
        : warning(
            `version ${version} of the policy is not acknowledged by ${missing.join(", ")}; they go on by the one they have`,
          );
    }
    case "retry": {
      const { error, inMs, leftMs } = event;
      return warning(
        leftMs === null
          ? `${error.message}; again in ${durationText(inMs)}`
          : `${error.message}; waiting for it for up to ${durationText(leftMs)}`,
      );
    }
    case "waiting":
      return warning(`${event.message}; waiting, ${durationText(event.leftMs)} left`);
    case "answered":
      return done(`${event.node} answers again`);
    case "note":
      return warning(event.message);
    case "soaking":
      return done(`soaking until ${event.until}; nothing old is dropped before it is finalized`);
    case "ended":
      return done(event.outcome);
  }
}

function done(text: string): LogLine {
  return { kind: "done", text };
}

function warning(text: string): LogLine {
  return { kind: "warning", text };
}
