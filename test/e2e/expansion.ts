import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { type TestCluster, startCluster } from "../support/cluster.js";

const BIN = resolve(import.meta.dirname, "../../bin/run.js");
const KILL_AT_APPEND = pathToFileURL(resolve(import.meta.dirname, "kill-at-append.js")).href;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  /** The last line of stdout: the result, or the error. */
  readonly json: Record<string, unknown>;
}

/** Real agents that hold `keys` users in one shard, and the plan that moves half of them to a second one. */
export class Expansion {
  readonly cluster: TestCluster;
  readonly dir: string;
  readonly plan: string;

  private constructor(cluster: TestCluster, dir: string) {
    this.cluster = cluster;
    this.dir = dir;
    this.plan = join(dir, "plan.json");
  }

  static async start(keys: number): Promise<Expansion> {
    const cluster = await startCluster(topology(false));
    const expansion = new Expansion(cluster, await mkdtemp(join(tmpdir(), "ops-e2e-")));
    const first = join(expansion.dir, "first.json");
    await expansion.must("shard", "plan", "-t", cluster.topologyFile, "-o", first);
    await expansion.must("shard", "apply", first, "--yes");
    await expansion.load(keys);
    const wanted = join(expansion.dir, "wanted.yaml");
    const urls = Object.entries(cluster.urls);
    await writeFile(
      wanted,
      urls.reduce(
        (yaml, [node, url]) =>
          yaml.replace(new RegExp(`(${node}: \\{ agent: )"[^"]+"`), `$1"${url}"`),
        topology(true),
      ),
    );
    await expansion.must("shard", "plan", "-t", wanted, "-o", expansion.plan);
    return expansion;
  }

  /** Runs `ops ... --json`; with `killAt` it is killed after its n-th journal append. */
  async ops(args: readonly string[], killAt = 0): Promise<Ended> {
    const node = killAt === 0 ? [] : ["--import", KILL_AT_APPEND];
    const env = {
      ...process.env,
      OPS_STATE: join(this.dir, "state"),
      OPS_TEST_KILL_AT: String(killAt),
    };
    const child = spawn(process.execPath, [...node, BIN, ...args, "--json"], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    const last = stdout.trimEnd().split("\n").at(-1) ?? "";
    const whole = child.signalCode === null && last !== "";
    return {
      code: child.exitCode,
      signal: child.signalCode,
      stderr,
      json: whole ? (JSON.parse(last) as Record<string, unknown>) : {},
    };
  }

  async must(...args: string[]): Promise<Record<string, unknown>> {
    const { code, stderr, json } = await this.ops(args);
    if (code !== 0) throw new Error(`ops ${args.join(" ")} ended with ${code}: ${stderr}`);
    return json;
  }

  /** Repeats a command that is killed after its 2nd, 3rd, 4th... append each time, until one lives. Returns how many died. */
  async untilDone(...args: string[]): Promise<{ kills: number; end: Ended }> {
    const at = [2, 4, 3, 6, 5, 8];
    for (let kills = 0; ; kills += 1) {
      const end = await this.ops(args, at[kills % at.length]);
      if (end.signal !== "SIGKILL") return { kills, end };
    }
  }

  /** The values that a node serves in `[lo, hi)`, by key. */
  async valuesAt(node: string, lo: number, hi: number): Promise<Map<string, string>> {
    const answer = await fetch(
      `${this.cluster.url(node)}/v1/data/profile?from=${lo}&to=${hi}&limit=10000`,
    );
    const body = await answer.text();
    if (answer.status !== 200) throw new Error(`${node}: ${body}`);
    const rows = body
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { key?: string; value?: string });
    return new Map(rows.flatMap(({ key, value }) => (key === undefined ? [] : [[key, value!]])));
  }

  async entries(node: string): Promise<{ lo: string; hi: string; role: string }[]> {
    const status = (await (await fetch(`${this.cluster.url(node)}/v1/node`)).json()) as {
      entries: { lo: string; hi: string; role: string }[];
    };
    return status.entries.map(({ lo, hi, role }) => ({ lo, hi, role }));
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  private async load(keys: number): Promise<void> {
    const lines = Array.from({ length: keys }, (_, i) =>
      JSON.stringify({
        op: "put",
        key: `${(i * 37) % 1000}/n${i}`,
        value: Buffer.from(`value ${i}`).toString("base64"),
      }),
    );
    const answer = await fetch(`${this.cluster.url("a1")}/v1/data/profile:batch`, {
      method: "POST",
      body: lines.join("\n"),
    });
    if (answer.status !== 200) throw new Error(await answer.text());
    await answer.text();
  }
}

function topology(expanded: boolean): string {
  const node = (name: string, port: number) =>
    `                ${name}: { agent: "http://127.0.0.1:${port}", engine: embedded, capacity: { memory: 8GiB, ops: 50k, network: 1Gbps } }`;
  const region = (name: string, nodes: string[]) => `  ${name}:
    idcs:
      ${name}-1:
        carriers: [telecom]
        sets:
          ${name}-1-a:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            data:
              nodes:
${nodes.join("\n")}`;
  const shards = expanded
    ? [
        "p0: { segments: [0..500], primary: a1, replicas: [b1] }",
        "p1: { segments: [500..1000], primary: a2, replicas: [b2] }",
      ]
    : ["p0: { segments: [0..1000], primary: a1, replicas: [b1] }"];
  return `version: 1
name: expansion
regions:
${region("east", [node("a1", 7401), node("a2", 7402)])}
${region("west", [node("b1", 7403), node("b2", 7404)])}
keyspaces:
  profile:
    class: relationship
    sync: global
    sharding: range
    domain: 0..1000
    shards:
${shards.map((shard) => `      ${shard}`).join("\n")}
policy:
  promotion: { reads: [10%, 100%], canary: 10%, slices: 2 }
  gates: { window: 1s, minSamples: 0 }
  soak: 1s
`;
}
