import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import { applyPlan } from "../../src/lib/run/apply.js";
import { readPlan } from "../../src/lib/run/read-plan.js";
import { rollbackRun } from "../../src/lib/run/rollback.js";
import { type Otherwise, environmentOf } from "./environment.js";
import { Expansion } from "./expansion.js";
import type { Ended, Json } from "./ops-process.js";

const LONG_MS = 600_000;

let expansion: Expansion;
let run: string;
beforeAll(async () => {
  expansion = await Expansion.empty();
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

const first = () => ["shard", "apply", expansion.first, "--yes"];
const errorOf = ({ json }: Ended) => json["error"] as Record<"code" | "message" | "hint", string>;

async function runs(): Promise<Json[]> {
  return (await expansion.must("run", "list"))["runs"] as Json[];
}

/** What every node holds. */
async function holdings(): Promise<Json> {
  const nodes = Object.keys(expansion.cluster.urls);
  return Object.fromEntries(
    await Promise.all(nodes.map(async (node) => [node, await expansion.entries(node)] as const)),
  );
}

describe("a first plan", { timeout: LONG_MS }, () => {
  it("is over when its last stage is done: there is nothing to watch, nothing to retire", async () => {
    const end = await expansion.ops(first());
    expect(end).toMatchObject({
      code: 0,
      json: { direction: "apply", activity: "ended", outcome: "applied", next: [] },
    });
    expect(end.lines.at(-2)).toMatchObject({ type: "ended", outcome: "applied" });
    run = end.json["run"] as string;
    expect(await expansion.must("run", "show", run)).toMatchObject({ outcome: "applied" });
  });

  it("is not applied twice, and has nothing to resume or to finalize", async () => {
    const before = await expansion.stateFiles();
    expect(await expansion.ops(first())).toMatchObject({
      code: 0,
      json: { run, outcome: "applied" },
    });
    const dry = await expansion.must("shard", "apply", expansion.first, "--dry-run");
    expect(dry).toMatchObject({ run, lines: [], notes: ["the plan is applied"] });
    for (const command of [
      ["run", "resume", run],
      ["shard", "finalize", run, "--yes"],
    ])
      expect(await expansion.ops(command)).toMatchObject({ code: 0, json: { outcome: "applied" } });
    expect(await expansion.stateFiles()).toEqual(before);
  });

  it("can be rolled back to the empty cluster while nothing was written, and applied again", async () => {
    const { lines } = (await expansion.must("shard", "rollback", run, "--dry-run")) as {
      lines: Json[];
    };
    expect(lines.at(-1)!["what"]).toMatch(/^retract /);
    const back = await expansion.ops(["shard", "rollback", run, "--yes"]);
    expect(back).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
    expect(Object.values(await holdings()).flat()).toEqual([]);
    const again = await expansion.must(...first());
    expect(again).toMatchObject({ outcome: "applied" });
    expect(again["run"]).not.toBe(run);
    run = again["run"] as string;
  });

  it("is over also where its process was killed just before or just after it wrote that down", async () => {
    const records = (await expansion.journal(run)).length;
    for (const killAt of [records - 1, records]) {
      await expansion.must("shard", "rollback", run, "--yes");
      expect((await expansion.ops(first(), killAt)).signal).toBe("SIGKILL");
      run = await expansion.lastRun();
      const count = (await runs()).length;
      expect((await expansion.journal(run)).length).toBe(killAt);
      expect(await expansion.ops(first())).toMatchObject({
        code: 0,
        json: { run, outcome: "applied" },
      });
      expect(await runs()).toHaveLength(count);
    }
  });

  it("gives an agent that missed the routes a last chance, and is over also without it", async () => {
    const plan = await readPlan(expansion.first);
    const publications = plan.stages
      .flatMap(({ waves }) => waves.flat())
      .filter(({ kind }) => kind === "domain").length;
    for (const [misses, missing] of [
      [publications, {}],
      [publications + 1, { profile: ["a2"] }],
    ] as const) {
      await expansion.must("shard", "rollback", run, "--yes");
      let asked = 0;
      const deaf: Otherwise = {
        a2: (agent) => ({
          async putRoutes(...given) {
            asked += 1;
            if (asked > misses) return agent.putRoutes(...given);
            throw new AgentProblem("http://a2", { unreachable: new Error("reset"), sent: false });
          },
        }),
      };
      const env = environmentOf(expansion, deaf);
      run = await applyPlan({ ...env, patience: { ...env.patience, routesMs: 0 } }, plan, {
        until: null,
      });
      expect(asked).toBe(publications + 1);
      expect(await expansion.ops(["run", "show", run])).toMatchObject({
        json: { outcome: "applied", missing },
      });
    }
  });

  it("keeps what is written while it is rolled back, and goes forward again as it says", async () => {
    const url = `${expansion.cluster.url("a1")}/v1/data/profile/9/name`;
    const written: number[] = [];
    const racing = environmentOf(expansion, {
      a1: (agent) => ({
        async putRoutes(...asked) {
          if (written.length === 0)
            written.push((await fetch(url, { method: "PUT", body: "Han Meimei" })).status);
          return agent.putRoutes(...asked);
        },
      }),
    });
    await expect(rollbackRun(racing, run, { to: null })).rejects.toMatchObject({
      code: "in-use",
      exit: 3,
      hint: expect.stringMatching(/--to (\S+), then ops run resume/) as string,
    });
    expect(written).toEqual([204]);
    const late = await fetch(url, { method: "PUT", body: "late" });
    expect(late.status).toBe(421);
    const stop = (await expansion.must("run", "show", run))["stop"] as { error: { hint: string } };
    const to = /--to (\S+),/.exec(stop.error.hint)![1]!;
    await expansion.must("shard", "rollback", run, "--to", to, "--yes");
    expect(await expansion.must("run", "resume", run)).toMatchObject({ outcome: "applied" });
    expect(await (await fetch(url)).text()).toBe("Han Meimei");
    expect((await fetch(url, { method: "DELETE" })).status).toBe(204);
  });

  it("is not rolled back once something was written: that is said before anything is undone", async () => {
    const url = `${expansion.cluster.url("a1")}/v1/data/profile/7/name`;
    expect((await fetch(url, { method: "PUT", body: "Li Lei" })).status).toBe(204);
    const before = [await holdings(), await expansion.stateFiles()];
    for (const how of ["--dry-run", "--yes"]) {
      const end = await expansion.ops(["shard", "rollback", run, how]);
      expect(end.code).toBe(3);
      expect(errorOf(end)).toMatchObject({ code: "in-use" });
      expect(errorOf(end).message).toContain("profile [0, 3600) on a1 has been written");
    }
    // The lock was taken for it, and let go.
    const after = await expansion.stateFiles();
    for (const [path, text] of before[1] as Map<string, string>)
      if (path.includes("journal")) expect(after.get(path)).toBe(text);
    expect(await holdings()).toEqual(before[0]);
    expect(await (await fetch(url)).text()).toBe("Li Lei");
    expect(await expansion.must("run", "show", run)).toMatchObject({ outcome: "applied" });
  });

  it("gives way to a later plan, and is not rolled back from under it", async () => {
    await expansion.must("shard", "plan", "-t", expansion.wanted, "-o", expansion.plan);
    const next = await expansion.must("shard", "apply", expansion.plan, "--yes");
    expect(next).toMatchObject({ activity: "soaking" });
    const soaks = await expansion.ops(["shard", "rollback", run, "--yes"]);
    expect(soaks.code).toBe(3);
    expect(errorOf(soaks)).toMatchObject({ code: "unfinished-run" });
    expect(errorOf(soaks).hint).toContain(`ops shard rollback ${String(next["run"])}`);

    await expansion.must("shard", "finalize", String(next["run"]), "--early", "--yes");
    const gone = await expansion.ops(["shard", "rollback", run, "--yes"]);
    expect(gone.code).toBe(3);
    expect(errorOf(gone)).toMatchObject({ code: "no-way-back" });
    expect(errorOf(gone).message).toContain(String(next["run"]));
    expect(await expansion.ops(first())).toMatchObject({
      code: 4,
      json: { error: { code: "stale-plan" } },
    });
  });
});
