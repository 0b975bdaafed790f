import { expect, it } from "vitest";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import type { RampStep } from "../../src/lib/plan/users/types.js";
import { PATIENCE } from "../../src/lib/run/clock.js";
import type { Unwell } from "../../src/lib/policy/unwell.js";
import type { UserContext } from "../../src/lib/run/context.js";
import type { RecordBody } from "../../src/lib/run/journal/records.js";
import { ramp } from "../../src/lib/run/steps/users/ramp.js";

const STEP: RampStep = { id: "s1", kind: "ramp", entries: ["e"], site: "a", seconds: 10 };

/** Of each agent how far it keeps users away once so many ms are over; null: it does not answer. */
function contextOf(
  levels: Readonly<Record<string, (ms: number) => number | null>>,
  unwell: Unwell | null = null,
) {
  let now = 0;
  const journalled: RecordBody[] = [];
  const stopping = new AbortController().signal;
  const context = {
    run: "r-1",
    clock: {
      now: () => now,
      // Time goes on with the step; what is said of its waiting ends with it.
      sleep: async (ms: number, signal: AbortSignal) => {
        if (signal !== stopping)
          return new Promise<void>((resolve) => (signal.onabort = () => resolve()));
        now += ms;
      },
    },
    patience: PATIENCE,
    stop: { stopping, detached: new AbortController().signal },
    agents: {
      nodes: Object.keys(levels),
      of: (node: string) => ({
        policy: async () => {
          const level = levels[node]!(now);
          if (level === null)
            throw new AgentProblem(node, { unreachable: new Error("refused"), sent: false });
          return { levels: [{ entry: "e", level, held: unwell !== null, unwell }] };
        },
      }),
    },
    journal: { append: async (record: RecordBody) => journalled.push(record) },
    emit: () => undefined,
  };
  return { context: context as unknown as UserContext, journalled, now: () => now };
}

it("waits for every agent that answers, and only names one that does not", async () => {
  const { context, journalled, now } = contextOf({
    slow: (ms) => (ms < 30_000 ? 0.1 : 0),
    quick: () => 0,
    dead: () => null,
  });
  await ramp.apply(context, STEP);
  expect(now()).toBeGreaterThanOrEqual(30_000);
  expect(journalled).toEqual([
    { type: "evidence", step: "s1", about: "silent", facts: { nodes: ["dead"] } },
  ]);
});

it("waits for one that only misses a question", async () => {
  const { context, journalled } = contextOf({
    here: () => 0,
    blinks: (ms) => (ms < 12_000 ? null : ms < 20_000 ? 0.1 : 0),
  });
  await ramp.apply(context, STEP);
  expect(journalled).toEqual([]);
});

it("does not take it that nobody is kept away where no agent answers", async () => {
  const { context } = contextOf({ a: () => null, b: () => null });
  await expect(ramp.apply(context, STEP)).rejects.toMatchObject({
    failure: { code: "ramp", message: "no access agent answers" },
  });
});

it("names the gateway that holds users back, and says what to do about it", async () => {
  const dead = { url: "ws://gw-2:443", node: "gw-2", connects: false, loss: 1 };
  const unwell: Unwell = { loss: 0.5, addresses: [dead] };
  const { context } = contextOf({ dp: () => 0.9, "gw-2": () => null }, unwell);
  await expect(ramp.apply(context, STEP)).rejects.toMatchObject({
    failure: {
      code: "ramp",
      message:
        "dp still keeps 90% away by e, because the site is not well: gw-2 (ws://gw-2:443) takes no connections, 100% of what was measured to it is lost; of all ways to the site 50% is lost",
      hint: "start gw-2 again, then ops run resume r-1; gone for good: ops run resume r-1 --without gw-2",
    },
  });
});

it("offers to go on without a gateway only where that is not refused", async () => {
  const at = (node: string) => ({ url: `ws://${node}:443`, node, connects: false, loss: null });
  const unwell: Unwell = { loss: null, addresses: [at("up"), at("down"), at("stranger")] };
  const { context } = contextOf({ dp: () => 0.9, up: () => 0, down: () => null }, unwell);
  await expect(ramp.apply(context, STEP)).rejects.toMatchObject({
    failure: {
      hint: [
        "start down again, then ops run resume r-1; gone for good: ops run resume r-1 --without down",
        "start stranger again, then ops run resume r-1; gone for good: ops run rollback r-1, then restore again with a topology file that does not have it",
        "up: its agent answers; nothing reaches ws://up:443: mend that, then ops run resume r-1",
      ].join("\n      "),
    },
  });
});
