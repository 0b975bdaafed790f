import type { Said } from "../plan/said.js";
import type { StepKind } from "../plan/any.js";
import type { Failure, JsonObject, Outcome, Stopped } from "./journal/records.js";

/** What a run says while it goes on. Under `--json` each is one NDJSON line. */
export type RunEvent =
  | {
      readonly type: "run";
      readonly run: string;
      readonly doing: "apply" | "resume" | "rollback" | "finalize";
      readonly plan: string;
    }
  | {
      readonly type: "stage";
      readonly stage: string;
      readonly title: string;
      readonly state: "entered";
      /** How many things are left to do, or to undo, by what they have in common: see `Said.like`, `countItems`. */
      readonly left: Readonly<Record<string, number>>;
    }
  | {
      readonly type: "stage";
      readonly stage: string;
      readonly title: string;
      readonly state: "done" | "undone";
    }
  | ({
      readonly type: "step";
      readonly stage: string;
      readonly step: string;
      readonly kind: StepKind;
      readonly state: "begun" | "done" | "undone";
    } & Said)
  | ({ readonly type: "progress" } & StepProgress)
  | {
      readonly type: "evidence";
      readonly step: string;
      readonly about: string;
      readonly facts: JsonObject;
    }
  | {
      readonly type: "routes";
      readonly keyspace: string;
      readonly version: number;
      readonly missing: readonly string[];
    }
  | { readonly type: "policy"; readonly version: number; readonly missing: readonly string[] }
  | {
      readonly type: "retry";
      readonly step: string | null;
      readonly node: string;
      readonly error: Failure;
      readonly inMs: number;
      /** How long the node is waited for at most; null where the number of tries is the limit. */
      readonly leftMs: number | null;
    }
  /** Said every so often while a run waits for what should come right by itself. */
  | {
      readonly type: "waiting";
      readonly step: string | null;
      /** The node that does not answer; null for anything else that is waited for. */
      readonly node: string | null;
      readonly message: string;
      readonly leftMs: number;
    }
  /** A node that was waited for answers again. */
  | { readonly type: "answered"; readonly step: string | null; readonly node: string }
  /** How long the run will go on; null while that cannot be told. */
  | { readonly type: "remaining"; readonly leastMs: number | null; readonly mostMs: number | null }
  | { readonly type: "note"; readonly message: string }
  | ({ readonly type: "stopped" } & Stopped)
  | { readonly type: "soaking"; readonly until: string }
  | { readonly type: "ended"; readonly outcome: Outcome };

/** Everything from `done` on only where it is known. */
export interface StepProgress {
  readonly step: string;
  readonly what: string;
  /** The same without its segment. */
  readonly like: string;
  readonly phase: string;
  readonly done?: number;
  readonly total?: number;
  readonly unit?: "rows" | "bytes" | "ms" | "sessions";
  /** Units per second. */
  readonly rate?: number;
  readonly lagMs?: number;
  readonly etaMs?: number;
  readonly inStateMs?: number;
  /** Why the copy is slower than it could be. */
  readonly throttled?: string;
}

export type Emit = (event: RunEvent) => void;
