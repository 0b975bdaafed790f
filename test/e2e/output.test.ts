import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OPS } from "../../src/lib/demo/agent-process.js";
import { placeOf } from "../../src/lib/engines/place.js";
import { openEngine } from "../../src/lib/engines/registry.js";
import { positionOf } from "../../src/lib/keyspace/key.js";
import { setAgentUrls } from "../../src/lib/topology/edit.js";
import { ops, type Ended } from "../cli/sandbox.js";
import { requireTool } from "../setup/require.js";
import { type TestCluster, startCluster } from "../support/cluster.js";
import { Terminal } from "../support/terminal.js";

const LONG_MS = 600_000;
const OUTPUT = join(import.meta.dirname, "../../fixtures/output");
const WIDTH = 80;
const NODES = ["a1", "a2", "b1", "b2"];

/** Half of the segments of a ring go from a1 (with its replica b1) to a2 (with b2). */
function topology(moved: boolean): string {
  const node = (name: string) =>
    `                ${name}: { agent: "http://127.0.0.1:${7400 + NODES.indexOf(name)}", engine: embedded, capacity: { memory: 8GiB, ops: 50k, network: 1Gbps } }`;
  const region = (name: string, nodes: string[]) => `  ${name}:
    idcs:
      ${name}-1:
        carriers: [telecom]
        sets:
          ${name}-1-a:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            data:
              nodes:
${nodes.map(node).join("\n")}`;
  return `version: 1
name: ring
regions:
${region("east", ["a1", "a2"])}
${region("west", ["b1", "b2"])}
keyspaces:
  status:
    class: status
    sync: global
    sharding: consistent-hash
    virtualNodes: 32
    shards:
      s0: { ${moved ? "primary: a2, replicas: [b2]" : "primary: a1, replicas: [b1]"} }
      s1: { primary: b1, replicas: [a1] }
policy:
  promotion: { reads: [10%, 100%], canary: 10%, slices: 2 }
  gates: { window: 200ms, minSamples: 0, maxErrorRate: 100%, maxP99Ratio: 1000, maxLag: 10s }
  concurrency: { perNode: 8, total: 32 }
  takeover: { budget: 5s }
  soak: 1s
`;
}

let cluster: TestCluster;
let dir: string;
let plan: string;
let run: string;

beforeAll(async () => {
  cluster = await startCluster(topology(false));
  dir = await mkdtemp(join(tmpdir(), "ops-output-"));
  plan = join(dir, "plan.json");
}, LONG_MS);
afterAll(async () => {
  await cluster?.stop();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
}, LONG_MS);

function state(): { readonly OPS_STATE: string } {
  return { OPS_STATE: join(dir, "state") };
}

/** What a pipe gets, none of it wider than 80 columns but for a command to type with a path in it. */
function piped(...args: string[]): Ended {
  const ended = ops(args, state());
  // Such as Node's own, about a leak.
  expect(ended.stderr).not.toContain("Warning:");
  for (const line of `${ended.stdout}\n${ended.stderr}`.split("\n"))
    if (!line.startsWith("Plan written to ")) expect(line.length, line).toBeLessThanOrEqual(WIDTH);
  return ended;
}

/** With what differs from run to run left out: ids of runs, times of day and how long things took. */
function timeless(text: string): string {
  return text
    .replaceAll(/r-\d{8}-\d{6}-[0-9a-f]{4}/g, "RUN")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/\b(\d+m \d\ds|[\d.]+m?s)\b/g, "#");
}

/** The log of a run: without progress, each line whole, those of a stage in the order of their steps. */
function logOf(stderr: string): string {
  const whole: string[] = [];
  for (const line of stderr.trimEnd().split("\n")) {
    const goesOn = /^ {4}|^ {2}(?!s\d)/.test(line);
    if (goesOn) whole[whole.length - 1] += ` ${line.trim()}`;
    else whole.push(line);
  }
  const told = whole.filter((line) =>
    /^( {2}s\d|(undo )?stage |appl|rollback|soak|rolled)/.test(line),
  );
  const sorted: string[] = [];
  let from = 0;
  for (const line of told) {
    if (!line.startsWith("  s")) from = sorted.length + 1;
    sorted.push(line);
    const stage = sorted.splice(from).toSorted((a, b) => numberOf(a) - numberOf(b));
    sorted.push(...stage);
  }
  return `${timeless(sorted.join("\n"))}\n`;
}

function numberOf(line: string): number {
  return Number(/\d+/.exec(line)![0]);
}

describe("the output of a run over many segments", { timeout: LONG_MS }, () => {
  it("of a first plan is a few dozen lines", async () => {
    const first = join(dir, "first.json");
    expect(piped("shard", "plan", "-t", cluster.topologyFile, "-o", first).code).toBe(0);
    const { code, stderr, stdout } = piped("shard", "apply", first, "--yes");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^run r-\S+: applied/);
    expect(stderr.split("\n").length).toBeLessThan(60);
    await expect(logOf(stderr)).toMatchFileSnapshot(join(OUTPUT, "first-apply.txt"));
    await load();
  });

  it("tells a dry run in groups, and with --verbose step by step", async () => {
    const wanted = join(dir, "wanted.yaml");
    await writeFile(wanted, setAgentUrls(topology(true), cluster.urls));
    expect(piped("shard", "plan", "-t", wanted, "-o", plan).code).toBe(0);
    const { code, stdout } = piped("shard", "apply", plan, "--dry-run");
    expect(code).toBe(0);
    await expect(stdout).toMatchFileSnapshot(join(OUTPUT, "dry-run.txt"));
    const every = piped("shard", "apply", plan, "--dry-run", "--verbose").stdout;
    const { json } = ops(["shard", "apply", plan, "--dry-run", "--json"], state());
    const { lines } = json().at(-1) as {
      lines: { step: string; what: string; like: string; items: string[] }[];
    };
    const told = whole(every).map((line) =>
      line.replace(/: (room for )?[\d.]+ (Ki)?B$|(?<=segments), [\d.]+ KiB(?=,)/, ""),
    );
    expect(told).toEqual(
      lines.map(({ step, what, like, items }) =>
        items.length < 2
          ? `${step} ${what}`
          : `${step} ${like}: ${items.length} segments, ${items.join(" ")}`,
      ),
    );
  });

  it("tells groups of an apply once they are done, with their pauses", async () => {
    const until = piped("shard", "apply", plan, "--until", "verify", "--yes");
    expect(until.code).toBe(0);
    run = /run (r-\S+):/.exec(until.stdout)![1]!;
    const { code, stderr, stdout } = piped("run", "resume", run);
    expect(code).toBe(0);
    expect(stderr.split("\n").length).toBeLessThan(60);
    const log = logOf(until.stderr) + logOf(stderr);
    await expect(log).toMatchFileSnapshot(join(OUTPUT, "apply.txt"));
    expect(stdout).toMatch(/pauses \d+ takeovers: median \S+, longest \S+/);
  });

  it("tells equal copies in groups", async () => {
    const { code, stdout } = piped("shard", "verify", run);
    expect(code).toBe(0);
    await expect(stdout).toMatchFileSnapshot(join(OUTPUT, "verify.txt"));
    const every = piped("shard", "verify", run, "--verbose").stdout;
    expect(every.match(/^equal {2}status \[/gm)!.length).toBeGreaterThan(15);
  });

  it("tells what nodes hold and where reads go in groups", async () => {
    const status = piped("agent", "status");
    expect(status.stdout.split("\n").length, status.stdout).toBeLessThan(20);
    expect(status.stdout).toMatch(/^ {2}status \d+ segments +follower 2 +from a2 +streaming, lag/m);
    const routes = piped("route", "show");
    // How many publications were made of those of one wave differs from run to run.
    const told = routes.stdout.replace(/version \d+/, "version #");
    await expect(told).toMatchFileSnapshot(join(OUTPUT, "routes.txt"));
    expect(piped("route", "show", "--verbose").stdout.split("\n").length).toBeGreaterThan(30);
  });

  it("tells a copy that differs by itself, and the equal ones beside it in groups", async () => {
    const damaged = await damageOn("b2");
    const differing = () => piped("shard", "verify", run);
    await expect
      .poll(differing, { timeout: LONG_MS })
      .toMatchObject({ stdout: expect.stringMatching(/^DIFFERS/m) });
    const { code, stdout, stderr } = differing();
    expect(code).toBe(1);
    expect(stdout.match(/^DIFFERS/gm)).toHaveLength(1);
    const [, lo, hi] = /^DIFFERS {2}status \[(\d+), (\d+)\) +b2 = a2/m.exec(stdout)!;
    expect(damaged >= BigInt(lo!) && damaged < BigInt(hi!)).toBe(true);
    expect(stdout).toMatch(/^equal +status 19 segments +b2 = a2/m);
    expect(stdout).toMatch(/^equal +status 20 segments +a1 = a2/m);
    expect(stderr).toContain("1 of 40 copies differ");
  });

  it("tells a rollback in groups", async () => {
    const { code, stderr } = piped("shard", "rollback", run, "--yes");
    expect(code).toBe(0);
    await expect(logOf(stderr)).toMatchFileSnapshot(join(OUTPUT, "rollback.txt"));
  });
});

it(
  "a run says that it waits for a node, how long still, and when it is back",
  { timeout: LONG_MS },
  async () => {
    const env = { ...process.env, ...state() };
    const args = [OPS, "shard", "apply", plan, "--yes"];
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    let step = 0;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (step === 0 && said.includes("stage 2-attach")) {
        step = 1;
        void cluster.kill9("b2");
      } else if (step === 1 && /b2 does not answer; waiting, \S+ left/.test(said)) {
        step = 2;
        void cluster.restart("b2");
      }
    });
    await once(child, "close");
    const line = said.replaceAll("\n  ", " ");
    expect(child.exitCode, said).toBe(0);
    expect(
      line.match(/warning: b2 was asked .*no answer from .*; waiting for it for up to (1m|\d\ds)/g),
    ).toHaveLength(1);
    expect(line).toMatch(/^b2 answers again\b/m);
  },
);

describe("on a terminal", { timeout: LONG_MS }, () => {
  const on = (...args: string[]) => new Terminal([process.execPath, OPS, ...args], state());

  it("a run asks, draws while it works, and leaves whole lines behind", async (context) => {
    requireTool("script", context);
    const { runs } = ops(["run", "list", "--json"], state()).json()[0] as {
      runs: { run: string }[];
    };
    const terminal = on("shard", "rollback", runs.at(-1)!.run);
    await terminal.until(/Roll back .*\[y\/N\]/);
    terminal.type("y\r");
    expect(await terminal.end()).toBe(0);
    expect(terminal.output).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/u);
    const screen = terminal.screen();
    expect(screen.join("\n")).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/u);
    expect(screen).toContain("✔ rolled-back");
    expect(screen.filter((line) => line.includes("undo stage 2-attach"))).toHaveLength(1);
    expect(screen.at(screen.indexOf("✔ rolled-back") + 1)).toMatch(/^run r-\S+: rolled-back for/);
    // The cursor, hidden while a spinner turns, is there again.
    expect(terminal.output.lastIndexOf("\u001b[?25h")).toBeGreaterThan(
      terminal.output.lastIndexOf("\u001b[?25l"),
    );
  });

  it("a no changes nothing, and Ctrl-C stops a run at a safe boundary", async (context) => {
    requireTool("script", context);
    const no = on("shard", "apply", plan);
    await no.until(/\[y\/N\]/);
    no.type("\r");
    expect(await no.end()).toBe(1);
    expect(no.screen().join("\n")).toContain("error: Not confirmed; nothing was changed.");

    const stopped = on("shard", "apply", plan, "--yes");
    await stopped.until(/stage 2-attach/);
    stopped.type("\u0003");
    expect(await stopped.end()).toBe(6);
    const screen = stopped.screen().join("\n");
    expect(screen).toContain(
      "stopping at the next safe boundary; Ctrl-C again leaves the agents to it",
    );
    expect(screen).toMatch(/stopped at a safe boundary/);
  });
});

/** The steps of a dry run, each whole. */
function whole(stdout: string): string[] {
  const lines: string[] = [];
  for (const line of stdout.split("\n")) {
    if (/^ {2}s\d/.test(line)) lines.push(line.trim());
    else if (line.startsWith("    ")) lines[lines.length - 1] += ` ${line.trim()}`;
  }
  return lines;
}

/** Deletes a row behind the back of a node's agent. Returns its position. */
async function damageOn(node: string): Promise<bigint> {
  await cluster.kill9(node);
  const onFatal = (error: Error) => {
    throw error;
  };
  const engine = await openEngine("embedded", join(cluster.dir, "agents", node, "data"), {
    onFatal,
  });
  const [damaged] = Array.from({ length: 400 }, (_, uid) => ({
    position: positionOf("consistent-hash", BigInt(uid)),
    key: `${uid}/where`,
  })).filter(({ position, key }) => engine.get("status", placeOf(position, key)) !== null);
  await engine.write((txn) => txn.deleteRow("status", placeOf(damaged!.position, damaged!.key)));
  await engine.close();
  await cluster.restart(node);
  return damaged!.position;
}

/** The same users in each test run. */
async function load(): Promise<void> {
  const writers = [cluster.url("a1"), cluster.url("b1")];
  for (let uid = 0; uid < 400; uid += 1) {
    const puts = writers.map((url) =>
      fetch(`${url}/v1/data/status/${uid}/where`, { method: "PUT", body: "online ".repeat(100) }),
    );
    const codes = (await Promise.all(puts)).map(({ status }) => status);
    expect(new Set(codes)).toEqual(new Set([204, 421]));
  }
}
