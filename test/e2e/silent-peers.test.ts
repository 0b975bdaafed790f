import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationKind } from "../../src/lib/agent/protocol/operation.js";
import { OpsError } from "../../src/lib/errors.js";
import { decodePlan } from "../../src/lib/plan/encode.js";
import type { ShardPlan } from "../../src/lib/plan/types.js";
import type { Agent } from "../../src/lib/run/agents.js";
import { applyPlan } from "../../src/lib/run/apply.js";
import type { Patience } from "../../src/lib/run/clock.js";
import { NOTHING } from "../../src/lib/run/deletions.js";
import { finalizeRun } from "../../src/lib/run/finalize.js";
import type { RunEnvironment } from "../../src/lib/run/session.js";
import { verifyRun } from "../../src/lib/run/verify-run.js";
import { environmentOf, type Otherwise } from "./environment.js";
import { Expansion } from "./expansion.js";

const LONG_MS = 600_000;

let expansion: Expansion;
let plan: ShardPlan;
beforeAll(async () => {
  expansion = await Expansion.start();
  plan = decodePlan(await readFile(expansion.plan, "utf8"), expansion.plan);
  expansion.open();
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

/** `peer` dies just before `node` is first asked for that kind of operation. From then on patience is short, unless it comes back. */
function dyingAt(
  kind: OperationKind,
  { node, peer, backAfterMs }: { node: string; peer: string; backAfterMs?: number },
): RunEnvironment {
  let dead = false;
  const dying: Otherwise = {
    [node]: (agent) => ({
      async putOperation(...asked) {
        if (!dead && asked[1].kind === kind) {
          dead = true;
          if (backAfterMs === undefined) losePatience(env, { reconnectMs: 2_000, linkMs: 2_000 });
          await expansion.cluster.kill9(peer);
          // A takeover that is asked for before the node has noticed waits, as a claim, until the peer is back.
          await noticed(agent, peer);
          if (backAfterMs !== undefined)
            void sleep(backAfterMs).then(() => expansion.cluster.restart(peer));
        }
        return agent.putOperation(...asked);
      },
    }),
  };
  const env = environmentOf(expansion, dying);
  return env;
}

/** `peer` hangs from when `node` is first asked for that kind of operation, and from then on patience is short. */
function frozenAt(
  kind: OperationKind,
  { node, peer }: { node: string; peer: string },
): RunEnvironment {
  const hanging: Otherwise = {
    [node]: (agent) => ({
      async putOperation(...asked) {
        if (asked[1].kind === kind) {
          losePatience(env, { linkMs: 2_000 });
          process.kill(expansion.cluster.pid(peer), "SIGSTOP");
        }
        return agent.putOperation(...asked);
      },
    }),
  };
  const env = environmentOf(expansion, hanging, { pollMs: 500 });
  return env;
}

/** What comes before somebody dies takes as long as it takes: links that an earlier test broke are still coming back then. */
function losePatience({ patience }: RunEnvironment, short: Partial<Patience>): void {
  Object.assign(patience, short);
}

async function noticed(agent: Pick<Agent, "node">, peer: string): Promise<void> {
  for (;;) {
    const { entries } = await agent.node();
    const follows = entries.filter(({ source }) => source?.node === peer);
    if (follows.every(({ link }) => link?.phase === "disconnected")) return;
    await sleep(20);
  }
}

const apply = (env: RunEnvironment) => applyPlan(env, plan, { until: null });

async function failing(work: Promise<unknown>): Promise<OpsError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OpsError))
    throw new Error("it did not fail as it should", { cause: error });
  return error;
}

describe("a node that dies while another one needs it", { timeout: LONG_MS }, () => {
  it("is waited for while a copy is compared with it", async () => {
    const run = await apply(dyingAt("verify", { node: "a2", peer: "a1", backAfterMs: 3_000 }));
    const ends = (await expansion.journal(run)).map(({ type }) => type);
    expect(ends).not.toContain("op.failed");
    expect(ends).toContain("run.soaking");
    await expansion.must("shard", "rollback", run, "--yes");
  });

  it("stops a comparison part-way when it stays away: nothing was changed by that", async () => {
    const error = await failing(apply(dyingAt("verify", { node: "a2", peer: "a1" })));
    expect(error).toMatchObject({ code: "peer-unreachable", exit: 6 });
    expect(error.message).toContain(`no answer from a1 at ${expansion.cluster.url("a1")}`);
    expect(error.message).toContain("nothing was changed by it");
    await expansion.cluster.restart("a1");
    const run = await expansion.lastRun();
    expect(error.hint).toContain(`ops run resume ${run}`);
  });

  it("stops a takeover part-way, whose writes then stay where they are", async () => {
    const error = await failing(apply(dyingAt("takeover", { node: "a2", peer: "a1" })));
    expect(error).toMatchObject({ code: "unreachable", exit: 6 });
    expect(error.message).toContain("nothing was changed by it");
    await expansion.cluster.restart("a1");
    const run = await expansion.lastRun();
    const end = await expansion.resumed(run, await expansion.ops(["run", "resume", run]));
    expect(end).toMatchObject({ code: 0, json: { activity: "soaking" } });
  });

  it("leaves a takeover unknown of which it has not said how it ended, until it is back", async () => {
    const before = await expansion.lastRun();
    await expansion.must("shard", "rollback", before, "--yes");
    const error = await failing(apply(frozenAt("takeover", { node: "a2", peer: "a1" })));
    expect(error).toMatchObject({ code: "takeover-unresolved", exit: 8 });
    expect(error.message).toContain("the writer before has not said how that ended");
    process.kill(expansion.cluster.pid("a1"), "SIGCONT");
    const run = await expansion.lastRun();
    expect((await expansion.journal(run)).map(({ type }) => type)).toContain("op.unknown");
    const end = await expansion.resumed(run, await expansion.ops(["run", "resume", run]));
    expect(end).toMatchObject({ code: 0, json: { activity: "soaking" } });
  });

  it("stops a comparison that somebody asked for", async () => {
    const run = await expansion.lastRun();
    const env = dyingAt("verify", { node: "b2", peer: "a2" });
    // It is counted from before the comparison is asked for.
    losePatience(env, { reconnectMs: 2_000 });
    const error = await failing(verifyRun(env, run));
    expect(error).toMatchObject({ code: "peer-unreachable", exit: 6 });
    await expansion.cluster.restart("a2");
    expect((await verifyRun(environmentOf(expansion, {}), run)).length).toBeGreaterThan(0);
  });

  it("keeps an old copy from being dropped until it says that it reigns", async () => {
    const run = await expansion.lastRun();
    const finalize = (env: RunEnvironment) =>
      finalizeRun(env, run, { early: true, deletions: NOTHING });
    const error = await failing(finalize(dyingAt("drop", { node: "a1", peer: "a2" })));
    expect(error).toMatchObject({ code: "peer-unreachable", exit: 6 });
    expect(error.message).toContain(`no answer from a2 at ${expansion.cluster.url("a2")}`);
    await expansion.cluster.restart("a2");
    await finalize(environmentOf(expansion, {}));
    const { wrong, acked, checked } = await expansion.verdict();
    expect(wrong).toEqual([]);
    expect(checked).toBe(acked);
  });
});
