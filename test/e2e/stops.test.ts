import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import { SCOPE, asAnotherOps, tellEpoch } from "./another-ops.js";
import { Expansion } from "./expansion.js";
import type { Ended, Json } from "./ops-process.js";

const LONG_MS = 600_000;

let expansion: Expansion;
let check: Server;
let checkStatus = 200;
let run: string;
beforeAll(async () => {
  check = createServer((_, answer) => answer.writeHead(checkStatus).end()).listen(0, "127.0.0.1");
  await new Promise((resolve) => check.once("listening", resolve));
  const { port } = check.address() as { port: number };
  expansion = await Expansion.start({ checkUrl: `http://127.0.0.1:${port}/`, perLink: "200kB/s" });
  expansion.open();
}, LONG_MS);
afterAll(async () => {
  check.close();
  await expansion?.stop();
}, LONG_MS);

const entered = (stage: string) => (event: Json) =>
  event["type"] === "stage" &&
  event["state"] === "entered" &&
  String(event["stage"]).endsWith(stage);
const roles = async (node: string) =>
  new Set((await expansion.entries(node)).map(({ role }) => role));
interface Remaining {
  readonly leastMs: number;
  readonly mostMs: number;
}
const errorOf = ({ json }: Ended) => json["error"] as Record<"code" | "message" | "hint", string>;

describe("a run", { timeout: LONG_MS }, () => {
  it("stops after the stage that it was told, and goes on from there", async () => {
    const apply = expansion.begin(["shard", "apply", expansion.plan, "--until", "verify", "--yes"]);
    await apply.event(entered("-attach"));
    const begun = await apply.event(({ type }) => type === "run");
    const shown = await expansion.must("run", "show", String(begun["run"]));
    const end = await apply.ended;
    // Of how long it goes on, itself and to another process.
    const left = end.lines.filter(({ type }) => type === "remaining") as unknown as Remaining[];
    const stages = end.lines.filter(({ state }) => state === "entered").length;
    expect(left.length).toBeGreaterThanOrEqual(stages);
    for (const span of [...left, shown["remaining"] as Remaining]) {
      expect(span.leastMs).toBeGreaterThan(0);
      expect(span.mostMs).toBeGreaterThanOrEqual(span.leastMs);
    }
    expect(left.at(-1)!.mostMs).toBeLessThan(left[0]!.leastMs);
    expect(await expansion.must("run", "show", String(begun["run"]))).toMatchObject({
      activity: "stopped",
      remaining: null,
    });
    expect(end).toMatchObject({
      code: 0,
      json: { activity: "stopped", stop: { reason: "until" }, stage: "4-verify" },
    });
    run = end.json["run"] as string;
    expect(await roles("a2")).toEqual(new Set(["follower"]));
  });

  it("stops part-way when a gate fails, says how to go on, and can be taken up", async () => {
    checkStatus = 500;
    const end = await expansion.ops(["shard", "apply", expansion.plan, "--yes"]);
    checkStatus = 200;
    expect(end.code).toBe(6);
    expect(errorOf(end)).toMatchObject({ code: "gate" });
    expect(errorOf(end).message).toContain("answered 500");
    expect(errorOf(end).hint).toContain(`ops run resume ${run}`);
    expect(errorOf(end).hint).toContain(`ops shard rollback ${run}`);
    expect(await roles("a2")).toEqual(new Set(["follower"]));
  });

  it("stops at a safe boundary at the first Ctrl-C", async () => {
    const resume = expansion.begin(["run", "resume", run]);
    await resume.event(entered("-promote-reads-100"));
    resume.child.kill("SIGINT");
    const end = await resume.ended;
    expect(end.code).toBe(6);
    expect(errorOf(end)).toMatchObject({ code: "stopped" });
    expect(errorOf(end).hint).toContain(`ops run resume ${run}`);
  });

  it("changes nothing any more once another ops has its scope", async () => {
    const old = expansion.begin(["run", "resume", run]);
    await old.event(entered("-promote-writes"));
    old.child.kill("SIGSTOP");
    expect(await expansion.ops(["run", "unlock", SCOPE, "--yes"])).toMatchObject({ code: 3 });
    await asAnotherOps(expansion, (authority) => tellEpoch(expansion, authority));
    const before = await operations();
    old.child.kill("SIGCONT");
    const end = await old.ended;
    expect(end.code).toBe(5);
    // An agent says so, or the lock: where it was stopped, the next thing may have been to publish routes.
    expect(["stale-epoch", "lock-lost"]).toContain(errorOf(end)["code"]);
    expect(errorOf(end).hint).toContain("another ops took over");
    expect(await operations()).toEqual(before);
  });

  it("leaves its journal to the ops that took it over", async () => {
    const old = expansion.begin(["run", "resume", run]);
    await old.event(entered("-promote-writes"));
    old.child.kill("SIGSTOP");
    await new FileStateStore(expansion.state).breakLock(SCOPE);
    const end = await expansion.resumed(run, await expansion.ops(["run", "resume", run]));
    expect(end).toMatchObject({ code: 0, json: { activity: "soaking" } });
    old.child.kill("SIGCONT");
    expect((await old.ended).code).toBe(5);
    expect(await expansion.must("run", "show", run)).toMatchObject({ activity: "soaking" });
    expect(await roles("a2")).toEqual(new Set(["primary"]));
  });

  it("goes back as far as the stage that it was told, and forward again", async () => {
    const back = await expansion.ops(["shard", "rollback", run, "--to", "verify", "--yes"]);
    expect(back).toMatchObject({ code: 0, json: { stop: { reason: "rolled-back-to" } } });
    expect(await roles("a1")).toEqual(new Set(["primary"]));
    expect(await roles("a2")).toEqual(new Set(["follower"]));
    const forward = await expansion.resumed(run, await expansion.ops(["run", "resume", run]));
    expect(forward).toMatchObject({ code: 0, json: { activity: "soaking" } });
  });

  it("goes back although an agent that has no part in it is down, and names that one", async () => {
    await expansion.population.stop();
    await expansion.cluster.kill9("c1");
    const end = await expansion.ops(["shard", "rollback", run, "--yes"]);
    expect(end).toMatchObject({
      code: 6,
      json: { outcome: "rolled-back", missing: { profile: ["c1"] } },
    });
    expect(await roles("a1")).toEqual(new Set(["primary"]));
    expect(await roles("a2")).toEqual(new Set());
    await expansion.cluster.restart("c1");
  });

  it("leaves its work to the agents at the second Ctrl-C, and is taken up later", async () => {
    expansion.open();
    const apply = expansion.begin(["shard", "apply", expansion.plan, "--yes"]);
    await apply.event(entered("-promote-writes"));
    // Frozen: what it was asked cannot end.
    process.kill(expansion.cluster.pid("a2"), "SIGSTOP");
    apply.child.kill("SIGINT");
    await sleep(500);
    apply.child.kill("SIGINT");
    const end = await apply.ended;
    process.kill(expansion.cluster.pid("a2"), "SIGCONT");
    expect(end.code).toBe(8);
    expect(errorOf(end)).toMatchObject({ code: "detached" });
    run = await expansion.lastRun();
    const resumed = await expansion.resumed(run, await expansion.ops(["run", "resume", run]));
    expect(resumed).toMatchObject({ code: 0, json: { run, activity: "soaking" } });
  });

  it("ends in an orderly way whenever Ctrl-C comes twice: it says how it ended, and lets go of its lock", async () => {
    const store = new FileStateStore(expansion.state);
    const told = new Set<string>();
    await expansion.must("shard", "rollback", run, "--to", "preflight", "--yes");
    for (let left = 12; left > 0; left -= 1) {
      const resume = expansion.begin(["run", "resume", run]);
      await resume.event(() => true);
      await sleep(Math.random() * 600);
      resume.child.kill("SIGINT");
      await sleep(Math.random() * 100);
      resume.child.kill("SIGINT");
      const end = await resume.ended;
      const how = howTold(end.lines.at(-1));
      told.add(how);
      const { code, activity, reason } = ORDERLY[how]!;
      // Node gives up its handlers once it has run those of "exit", and then still needs some milliseconds to be gone. A signal kills it
      // there whatever a program does; all is said and done by then, which is what the rest of this holds it to.
      if (end.signal === null) expect(end.code).toBe(code);
      else expect(end.signal).toBe("SIGINT");
      expect(await store.holders()).toEqual([]);
      const shown = await expansion.must("run", "show", run);
      expect(shown).toMatchObject({ activity, stop: reason && { reason } });
      if (how === "result")
        await expansion.must("shard", "rollback", run, "--to", "preflight", "--yes");
    }
    expect(told).not.toEqual(new Set(["result"]));
    const end = await expansion.resumed(run, await expansion.ops(["run", "resume", run]));
    expect(end).toMatchObject({ code: 0, json: { activity: "soaking" } });
  });

  it("has lost nothing by all that", async () => {
    const { wrong, acked, checked } = await expansion.verdict();
    expect(wrong).toEqual([]);
    expect(checked).toBe(acked);
  });
});

/** What each last line goes with. */
const ORDERLY: Readonly<Record<string, { code: number; activity: string; reason: string | null }>> =
  {
    result: { code: 0, activity: "soaking", reason: null },
    stopped: { code: 6, activity: "stopped", reason: "signal" },
    detached: { code: 8, activity: "stopped", reason: "detached" },
  };

/** `result`, or the code of the error. */
function howTold(line: Json | undefined): string {
  if (line?.["type"] === "result") return "result";
  return String((line?.["error"] as Json | undefined)?.["code"]);
}

/** The ids of all operations that any agent ever took. */
async function operations(): Promise<string[]> {
  const all = await Promise.all(
    Object.values(expansion.cluster.urls).map(async (url) => {
      const answer = await (await fetch(`${url}/v1/operations`)).json();
      return (answer as { operations: { id: string }[] }).operations.map(({ id }) => id);
    }),
  );
  return all.flat().sort();
}
