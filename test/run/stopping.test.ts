import { describe, expect, test } from "vitest";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import type { Step } from "../../src/lib/plan/any.js";
import type { ShardStep } from "../../src/lib/plan/types.js";
import type { Agent } from "../../src/lib/run/agents.js";
import { ask, waitFor } from "../../src/lib/run/ask.js";
import { PATIENCE, systemClock } from "../../src/lib/run/clock.js";
import type { RunContext } from "../../src/lib/run/context.js";
import { inParallel } from "../../src/lib/run/execute.js";

/** What a process before has asked for: by the step, and whether its agent said that it has it. */
const NOTHING_BEFORE: Readonly<Record<string, "intended" | "accepted">> = {};

/** Nothing here ends before a minute of patience is over, but for the person at the terminal. */
function contextWith(node: () => Promise<never>, before = NOTHING_BEFORE) {
  const status = {
    steps: new Map(Object.keys(before).map((step) => [step, { ops: [`op of ${step}`] }])),
    ops: new Map(
      Object.entries(before).map(([step, state]) => [
        `op of ${step}`,
        { op: `op of ${step}`, state },
      ]),
    ),
  };
  const [stopping, detached] = [new AbortController(), new AbortController()];
  const context = {
    agents: { nodes: ["a"], of: () => ({ node }) as unknown as Agent },
    clock: systemClock,
    patience: PATIENCE,
    stop: { stopping: stopping.signal, detached: detached.signal },
    emit: () => undefined,
    journal: { status },
  } as unknown as RunContext;
  const stop = () => stopping.abort();
  const leave = () => {
    stopping.abort();
    detached.abort();
  };
  return { context, stop, leave };
}

const refused = (sent: boolean) => () =>
  Promise.reject(new AgentProblem("http://a", { unreachable: new Error("refused"), sent }));
const asking = (context: RunContext) =>
  ask(context, null, "a", "tell its state", (agent) => agent.node());

describe("Ctrl-C", () => {
  test("ends the wait for an agent that does not answer", async () => {
    const { context, stop } = contextWith(refused(false));
    const asked = asking(context);
    setTimeout(stop, 50);
    await expect(asked).rejects.toMatchObject({ name: "Interrupted", how: "stopping" });
  });

  test("does not where the agent may have done what it was asked: only leaving ends that", async () => {
    const { context, stop, leave } = contextWith(refused(true));
    let over = false;
    const asked = asking(context).finally(() => (over = true));
    asked.catch(() => undefined);
    stop();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(over).toBe(false);
    leave();
    await expect(asked).rejects.toMatchObject({ name: "Interrupted", how: "detached" });
  });

  test("ends the wait for what is still missing", async () => {
    const { context, stop } = contextWith(refused(false));
    const waiting = waitFor(context, "link-broken", async () => "it does not keep up");
    setTimeout(stop, 50);
    await expect(waiting).rejects.toMatchObject({ name: "Interrupted", how: "stopping" });
  });

  test("a second time leaves an agent in the middle of its answer", async () => {
    const { context, leave } = contextWith(() => new Promise(() => undefined));
    const asked = asking(context);
    setTimeout(leave, 50);
    await expect(asked).rejects.toMatchObject({ name: "Interrupted", how: "detached" });
  });

  test("lets none of thousands of steps begin any more", async () => {
    const { context, stop } = contextWith(refused(false));
    const wave = Array.from({ length: 5_000 }, (_, i) => ({
      id: `s${i}`,
      kind: "link",
    })) as unknown as ShardStep[];
    let [begun, ended] = [0, 0];
    const ran = inParallel(context, wave, async () => {
      begun += 1;
      if (begun === 100) stop();
      await new Promise((resolve) => setImmediate(resolve));
      ended += 1;
    });
    await expect(ran).rejects.toMatchObject({ name: "Interrupted", how: "stopping" });
    expect(begun).toBeLessThan(200);
    // Those that had begun came to their end.
    expect(ended).toBe(begun);
  });

  test("lets those be taken up that an agent goes on with for a process before, and no other", async () => {
    const { context, stop } = contextWith(refused(false), { s1: "accepted", s2: "intended" });
    const wave = ["s0", "s1", "s2"].map((id) => ({ id, kind: "relogin" })) as unknown as Step[];
    const begun: string[] = [];
    stop();
    const ran = inParallel(context, wave, async (inner, { id }) => {
      expect(inner.stop.stopping.aborted).toBe(true);
      begun.push(id);
    });
    await expect(ran).rejects.toMatchObject({ name: "Interrupted", how: "stopping" });
    expect(begun).toEqual(["s1"]);
  });
});
