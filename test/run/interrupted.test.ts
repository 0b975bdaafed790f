import { expect, test } from "vitest";
import { PATIENCE, systemClock } from "../../src/lib/run/clock.js";
import type { UserContext } from "../../src/lib/run/context.js";
import type { EmptyStep } from "../../src/lib/plan/users/types.js";
import { stopRun } from "../../src/lib/run/execute.js";
import { Interrupted } from "../../src/lib/run/failure.js";
import { empty } from "../../src/lib/run/steps/users/empty.js";

const STEP: EmptyStep = {
  kind: "empty",
  id: "s1",
  node: "gw",
  site: "a",
  entry: "a-1",
  filter: { carrier: null, province: null, port: null },
  perSecond: null,
  withinMs: 30_000,
};

const REQUEST = {
  kind: "relogin",
  entry: STEP.entry,
  filter: STEP.filter,
  count: 5,
  perSecond: null,
  withinMs: 30_000,
};

/** A run that is to stop, of which a process before had asked the gateway to tell users; the gateway's process was another one then. */
function stoppedBefore(state: "running" | "interrupted") {
  const put: unknown[] = [];
  const records: { type: string }[] = [];
  let now: string = state;
  const op = {
    op: "op1",
    step: "s1",
    node: "gw",
    undo: false,
    state: "accepted",
    request: REQUEST,
  };
  const operation = async () => {
    const error =
      now === "cancelled" ? { code: "cancelled", message: "it was", retryable: false } : null;
    return { id: "op1", kind: "relogin", state: now, rev: 1, phase: null, progress: null, error };
  };
  const agent = {
    putEpoch: async () => undefined,
    operation,
    waitOperation: operation,
    cancelOperation: async () => {
      if (now === "running") now = "cancelled";
      return operation();
    },
    putOperation: async (...asked: unknown[]) => {
      put.push(asked);
      return operation();
    },
    sessions: async () => ({ sessions: 9, groups: [], entries: [] }),
  };
  const stopping = AbortSignal.abort();
  const context = {
    agents: { nodes: ["gw"], of: () => agent, urlOf: () => "http://gw" },
    clock: systemClock,
    patience: PATIENCE,
    epochs: { schedule: 2n },
    lineage: "0",
    stop: { stopping, detached: new AbortController().signal },
    emit: () => undefined,
    journal: {
      status: {
        steps: new Map([["s1", { ops: ["op1"] }]]),
        ops: new Map([["op1", { ...op, preState: { told: 0 } }]]),
      },
      append: async (record: { type: string }) => void records.push(record),
    },
  } as unknown as UserContext;
  return { context, put, ended: () => records.filter(({ type }) => type === "op.failed") };
}

test("what a gateway was doing is ended when the run is to stop, and nothing is asked of it anew", async () => {
  for (const state of ["running", "interrupted"] as const) {
    const { context, put, ended } = stoppedBefore(state);
    await expect(empty.apply(context, STEP)).rejects.toMatchObject({
      name: "Interrupted",
      how: "stopping",
    });
    expect(put).toEqual([]);
    expect(ended()).toMatchObject([{ error: { code: "cancelled" } }]);
  }
});

test("a run that is stopped before it could ask a gateway to end says that it goes on", async () => {
  const { context } = stoppedBefore("running");
  const stopping = stopRun(context, new Interrupted("stopping"), ["ops run resume r"]);
  await expect(stopping).rejects.toMatchObject({
    code: "stopped",
    message: expect.stringMatching(
      /stopped at a safe boundary; gw may go on telling the users of a part/,
    ) as string,
  });
});
