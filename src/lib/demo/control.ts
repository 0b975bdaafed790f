/**
 * What a demo needs of the control plane. The `demo` command makes it of the functions that the other commands call. Where a run
 * stops part-way these throw OpsError; the same call again takes it up.
 */
export interface Control {
  /** Compares the topology with what the agents hold. */
  plan(topologyText: string): Promise<Prepared>;
  /** Compares the copies of a run that soaks, chunk by chunk. Returns how many rows were equal; throws when some differ. */
  verify(run: string): Promise<number>;
  rollback(run: string): Promise<void>;
  finalize(run: string): Promise<void>;
}

export interface Prepared {
  /** `1-preflight`, `2-attach`... */
  readonly stages: readonly string[];
  readonly steps: number;
  /** Runs the plan until it soaks. Returns the run's id. */
  apply(): Promise<string>;
}

export type ControlEvent =
  | { readonly type: "stage"; readonly stage: string }
  | { readonly type: "copied"; readonly rows: number; readonly seconds: number }
  | { readonly type: "takeover"; readonly plannedMs: number; readonly actualMs: number }
  | { readonly type: "trouble"; readonly message: string };
