import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import type { ShardPlan } from "../../src/lib/plan/types.js";
import { OpsError } from "../../src/lib/errors.js";
import type { Agent } from "../../src/lib/run/agents.js";
import { applyPlan } from "../../src/lib/run/apply.js";
import { PATIENCE } from "../../src/lib/run/clock.js";
import { readPlan } from "../../src/lib/run/read-plan.js";
import { rollbackRun } from "../../src/lib/run/rollback.js";
import type { RunEnvironment } from "../../src/lib/run/session.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import { asAnotherOps, tellEpoch } from "./another-ops.js";
import { type Otherwise, environmentOf } from "./environment.js";
import { Expansion } from "./expansion.js";

const LONG_MS = 600_000;

let expansion: Expansion;
let plan: ShardPlan;
let run: string;
beforeAll(async () => {
  expansion = await Expansion.start();
  plan = await readPlan(expansion.plan);
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

/** What the commands work with, with little patience unless a test needs the second try. */
function environment(otherwise: Otherwise = {}, reconnectMs = 1_000): RunEnvironment {
  const env = environmentOf(expansion, otherwise);
  return { ...env, patience: { ...PATIENCE, reconnectMs, backoffMs: [100, 300] } };
}

async function failing(work: Promise<unknown>): Promise<OpsError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OpsError);
  return error as OpsError;
}

/** Everything that any agent was ever asked to do. */
async function operations(): Promise<string> {
  const texts = await Promise.all(
    Object.values(expansion.cluster.urls).map(async (url) =>
      (await fetch(`${url}/v1/operations`)).text(),
    ),
  );
  return texts.join("\n");
}

describe("preflight refuses, before anything is touched,", { timeout: LONG_MS }, () => {
  async function refusal(otherwise: Otherwise): Promise<OpsError> {
    const before = await operations();
    const error = await failing(applyPlan(environment(otherwise), plan, { until: null }));
    expect(error.exit).toBe(3);
    expect(await operations()).toBe(before);
    const { runs } = (await expansion.must("run", "list")) as { runs: { outcome: string }[] };
    expect(runs.at(-1)).toMatchObject({ activity: "ended", outcome: "refused" });
    return error;
  }

  it("when the way back is blocked: it names both ends", async () => {
    const { message } = await refusal({
      a1: () => ({ reach: async () => ({ reached: false, error: "no route to host" }) }),
    });
    expect(message).toContain(
      `a1 cannot reach a2 at ${expansion.cluster.url("a2")} (no route to host)`,
    );
  });

  it("when the disks of two nodes are too small: it names both, with what they have", async () => {
    const full = (agent: Agent): Partial<Agent> => ({
      node: async () => {
        const status = await agent.node();
        return { ...status, store: { ...status.store, diskFreeBytes: 1_000 } };
      },
    });
    const { message } = await refusal({ a2: full, b2: full });
    expect(message).toContain("a2 has 1000 B free on its disk");
    expect(message).toContain("b2 has 1000 B free on its disk");
  });

  it("when an agent speaks another version of the API", async () => {
    const problem = { status: 404, code: "bad-answer", retryable: false, outcome: "none" } as const;
    const { message } = await refusal({
      b2: (agent) => ({
        putEpoch: () => Promise.reject(new AgentProblem((agent as { url?: string }).url!, problem)),
      }),
    });
    expect(message).toContain("b2 does not speak version 1 of the agent API");
  });

  it("when an agent that it needs is down", async () => {
    await expansion.cluster.kill9("b2");
    const error = await failing(applyPlan(environment(), plan, { until: null }));
    await expansion.cluster.restart("b2");
    expect(error.exit).toBe(3);
    expect(error.message).toContain("b2 was asked to take the run's epoch; no answer from");
  });
});

describe("a run", { timeout: LONG_MS }, () => {
  it("whose question was never answered ends as unknown, and finds out when it is resumed", async () => {
    const lost: Otherwise = {
      a2: (agent) => ({
        async putOperation(...asked) {
          await agent.putOperation(...asked);
          throw new AgentProblem("http://a2", { unreachable: new Error("reset"), sent: true });
        },
      }),
    };
    const error = await failing(applyPlan(environment(lost), plan, { until: null }));
    expect(error.exit).toBe(8);
    expect(error.message).toContain("a2 was asked to link profile [2000, 3600) from a1");
    expect(error.message).toContain("whether anything was changed is not known");
    const before = (await operations()).split('"kind":"link"').length;
    run = await expansion.lastRun();
    expect(error.hint).toContain(`ops run resume ${run}`);
    const end = await expansion.resumed(run, await expansion.ops(["run", "resume", run]));
    expect(end).toMatchObject({ code: 0, json: { activity: "soaking" } });
    expect((await operations()).split('"kind":"link"')).toHaveLength(before);
  });

  it("keeps its question unknown when another ops took over before it could ask again", async () => {
    await expansion.must("shard", "rollback", run, "--yes");
    let asks = 0;
    const lost: Otherwise = {
      a2: (agent) => ({
        async putOperation(...asked) {
          asks += 1;
          if (asks === 2)
            await asAnotherOps(expansion, (authority) => tellEpoch(expansion, authority));
          const taken = await agent.putOperation(...asked);
          if (asks > 1) return taken;
          throw new AgentProblem("http://a2", { unreachable: new Error("reset"), sent: true });
        },
      }),
    };
    const error = await failing(applyPlan(environment(lost, 60_000), plan, { until: null }));
    expect(error).toMatchObject({ exit: 5, code: "stale-epoch" });
    expect(error.message).toContain("whether anything was changed is not known");
    run = await expansion.lastRun();
    const ends = (await expansion.journal(run)).filter(({ type }) =>
      /^op\.(failed|unknown)$/.test(type),
    );
    expect(ends).toMatchObject([{ type: "op.unknown", error: { outcome: "unknown" } }]);
    const end = await expansion.resumed(run, await expansion.ops(["run", "resume", run]));
    expect(end).toMatchObject({ code: 0, json: { activity: "soaking" } });
  });

  it("cannot go back while the writer is down: it names it, and goes back once it is there", async () => {
    await expansion.cluster.kill9("a2");
    const error = await failing(rollbackRun(environment(), run, { to: null }));
    expect(error.exit).toBe(6);
    expect(error.message).toContain("a2 was asked to tell its state; no answer from");
    expect(error.hint).toContain(`ops run resume ${run}`);
    await expansion.cluster.restart("a2");
    const end = await expansion.resumed(run, await expansion.ops(["run", "resume", run]));
    expect(end).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
    expect((await expansion.verdict()).wrong).toEqual([]);
  });

  it("that died before it touched anything is refused when its plan is stale by then", async () => {
    const died = await expansion.ops(["shard", "apply", expansion.plan, "--yes"], 1);
    expect(died.signal).toBe("SIGKILL");
    run = await expansion.lastRun();
    const gone: Otherwise = {
      b1: (agent) => ({ node: async () => ({ ...(await agent.node()), entries: [] }) }),
    };
    const error = await failing(applyPlan(environment(gone), plan, { until: null }));
    expect(error).toMatchObject({ exit: 4, code: "stale-plan" });
    expect(await expansion.must("run", "show", run)).toMatchObject({ outcome: "refused" });
  });

  it("that lost its lock publishes no routes, not even to its own store", async () => {
    const store = new FileStateStore(expansion.state);
    let stored = "";
    const fence: Otherwise = {
      a2: (agent) => ({
        async stats(...asked) {
          await asAnotherOps(expansion, async () => undefined);
          stored = JSON.stringify(await store.routes("profile"));
          return agent.stats(...asked);
        },
      }),
    };
    const error = await failing(applyPlan(environment(fence), plan, { until: null }));
    expect(error).toMatchObject({ exit: 5, code: "lock-lost" });
    expect(JSON.stringify(await store.routes("profile"))).toBe(stored);
    const end = await expansion.ops(["shard", "rollback", await expansion.lastRun(), "--yes"]);
    expect(end).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
  });
});
