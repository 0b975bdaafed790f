import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { OPS } from "../../src/lib/demo/agent-process.js";
import type { ClusterState } from "../../src/lib/demo/cluster-state.js";
import { isAlive } from "../../src/lib/demo/process.js";
import type { ExpansionFacts } from "../../src/lib/demo/facts.js";

/** Where demos make their folder. */
const root = mkdtempSync(join(tmpdir(), "ops-demos-"));
const env = { ...process.env, NODE_ENV: "production", TMPDIR: root };
afterAll(() => {
  // Where a test failed before it did that itself.
  spawnSync(process.execPath, [OPS, "dev", "down", "--dir", join(place, ".ops-demo")], { env });
  rmSync(root, { recursive: true, force: true });
});

const folders = () => readdirSync(root).filter((name) => name.startsWith("ops-demo-"));

/** Commands are printed for where the demo was started; nothing says that its name is a plain word. */
const place = mkdtempSync(join(root, "it's a place "));
let told = "";

test("the demo expands, rolls back and expands again under writes with an agent killed, and loses nothing", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [OPS, "demo", "--scenario", "expand", "--users", "5000", "--keep", "--json"],
    {
      encoding: "utf8",
      env,
      cwd: place,
      timeout: 280_000,
    },
  );
  told = stderr;
  expect(stderr).toContain("killed sh-db-1 (-9)");
  expect(stderr).toContain("finalized");
  expect(status).toBe(0);
  const facts = JSON.parse(stdout) as ExpansionFacts;
  expect(facts).toMatchObject({ v: 1, lost: 0, resurrected: 0, rollbacks: 1, kills: 1 });
  expect(facts.acked).toBeGreaterThan(15_000);
  expect(facts.checked).toBe(facts.acked);
  expect(facts.takeovers.length).toBeGreaterThanOrEqual(9);
  expect(facts.rowsMoved).toBeGreaterThan(0);
  expect(facts.nearReads).toBeGreaterThan(0);
  expect(folders()).toEqual([]);
}, 300_000);

test("what a kept demo says can be typed next works as it stands, anywhere", () => {
  const [play = "", end = ""] = told.split("To play on:\n")[1]?.split("To end it: ") ?? [];
  expect(play.split("\n").length).toBeGreaterThan(8);
  const { status, stdout, stderr } = spawnSync("bash", ["-e", "-c", `${play}\n${end}`], {
    encoding: "utf8",
    env,
    cwd: "/",
    timeout: 280_000,
  });
  expect([status, stderr]).toEqual([0, expect.stringContaining("Plan written to") as string]);
  expect(stdout).toContain("profile 7/name: position 7 in");
  expect(readdirSync(place)).toEqual([]);
}, 300_000);

test("a demo of which an agent dies ends soon, shows the end of its log, and leaves everything there", async () => {
  const args = ["demo", "--scenario", "expand", "--users", "5000", "--json"];
  const demo = spawn(process.execPath, [OPS, ...args], { env });
  const stdout = text(demo.stdout);
  let stderr = "";
  let agents: ClusterState["agents"] = [];
  for await (const line of createInterface({ input: demo.stderr })) {
    stderr += `${line}\n`;
    if (!line.startsWith("users write and read")) continue;
    const state = readFileSync(join(root, folders()[0]!, "agents.json"), "utf8");
    ({ agents } = JSON.parse(state) as ClusterState);
    process.kill(agents.find(({ node }) => node === "tj-db-1")!.pid, "SIGKILL");
  }
  if (demo.exitCode === null) await once(demo, "exit");
  expect(demo.exitCode).toBe(1);
  expect(JSON.parse(await stdout)).toMatchObject({
    error: { code: "agent-died", message: "the agent of tj-db-1 died: signal SIGKILL" },
  });
  const dir = join(root, folders()[0]!);
  const log = join(dir, "agents/tj-db-1/agent.log");
  expect(stderr).toContain(`The agent of tj-db-1 died: signal SIGKILL. The end of ${log}:\n  {"`);
  const last = readFileSync(log, "utf8").trimEnd().split("\n").at(-1)!;
  expect(stderr).toContain(last);
  expect(stderr).toContain(`are kept in ${dir}`);
  expect(stderr).not.toContain("finalized");
  expect(readdirSync(join(dir, "state/runs"))).not.toEqual([]);
  expect(agents).toHaveLength(7);
  expect(agents.filter(isAlive)).toEqual([]);
}, 300_000);
