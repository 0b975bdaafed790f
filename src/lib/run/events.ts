import type { Failure, JsonObject, Outcome, StopReason } from "./journal/records.js";

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
      readonly state: "entered" | "done" | "undone";
    }
  | {
      readonly type: "step";
      readonly stage: string;
      readonly step: string;
      readonly what: string;
      readonly state: "begun" | "done" | "undone";
    }
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
  | {
      readonly type: "retry";
      readonly step: string | null;
      readonly node: string;
      readonly error: Failure;
      readonly inMs: number;
    }
  | { readonly type: "note"; readonly message: string }
  | {
      readonly type: "stopped";
      readonly reason: StopReason;
      readonly step: string | null;
      readonly error: Failure | null;
    }
  | { readonly type: "soaking"; readonly until: string }
  | { readonly type: "ended"; readonly outcome: Outcome };

/** Everything but `step`, `what` and `phase` only where it is known. */
export interface StepProgress {
  readonly step: string;
  readonly what: string;
  readonly phase: string;
  readonly done?: number;
  readonly total?: number;
  readonly unit?: "rows" | "bytes" | "ms";
  /** Units per second. */
  readonly rate?: number;
  readonly lagMs?: number;
  readonly etaMs?: number;
  readonly inStateMs?: number;
  /** Why the copy is slower than it could be. */
  readonly throttled?: string;
}

export type Emit = (event: RunEvent) => void;
