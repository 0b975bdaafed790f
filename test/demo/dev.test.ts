import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import { OPS } from "../../src/lib/demo/agent-process.js";
import type { ClusterState } from "../../src/lib/demo/cluster-state.js";
import { isAlive, killProcess } from "../../src/lib/demo/process.js";
import { parseTopology } from "../../src/lib/topology/parse.js";

const root = mkdtempSync(join(tmpdir(), "ops-dev-"));
const dir = join(root, "cluster");
const given = join(root, "given.yaml");
/** With a gateway that has an agent, and one that has none. */
const fixture = readFileSync("fixtures/topologies/two-shards/topology.yaml", "utf8").replace(
  "            data:\n",
  `            access:
              nodes:
                g1: { agent: "http://127.0.0.1:7411", capacity: &small { memory: 1GiB, ops: 50k, network: 1Gbps } }
                g2: { capacity: *small }
            data:
`,
);
writeFileSync(given, fixture);

function ops(...args: string[]): {
  code: number | null;
  json: Record<string, unknown>;
  stderr: string;
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [OPS, ...args, "--json"], {
    encoding: "utf8",
    env: { ...process.env, NODE_ENV: "production" },
  });
  return {
    code: status,
    json: JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "{}") as Record<string, unknown>,
    stderr,
  };
}

const up = () => ops("dev", "up", "-t", given, "--dir", dir);
const down = () => ops("dev", "down", "--dir", dir);
const agents = () =>
  (JSON.parse(readFileSync(join(dir, "agents.json"), "utf8")) as ClusterState).agents;
const how = ({ json }: ReturnType<typeof up>): string[] => [
  ...new Set((json["agents"] as { how: string }[]).map((agent) => agent.how)),
];

afterAll(() => {
  down();
  rmSync(root, { recursive: true });
});

test("dev up starts an agent for every data node and every access node that has one, and writes the topology with their URLs", async () => {
  const first = up();
  expect(first.stderr).not.toContain("error");
  expect(first.code).toBe(0);
  expect(how(first)).toEqual(["started"]);
  const written = parseTopology(readFileSync(join(dir, "topology.yaml")), "topology.yaml");
  for (const { node, url } of agents()) {
    expect(written.nodes.find(({ id }) => id === node)!.agent).toBe(url);
    expect(await (await fetch(`${url!}/v1/node`)).json()).toMatchObject({ node });
  }
  expect(agents().map(({ node }) => node)).toEqual(["e1", "g1", "w1"]);
});

test("dev up again leaves what is up, and starts what died on its own port", async () => {
  expect(how(up())).toEqual(["running"]);
  const victim = agents().find(({ node }) => node === "g1")!;
  // A connection that is kept would be the one to the process that was killed.
  const access = async (): Promise<unknown> => {
    const agent = new AgentClient(victim.url!);
    const answer = await agent.access();
    await agent.close();
    return answer;
  };
  const before = await access();
  expect(before).toMatchObject({ site: "east-1-a", addresses: [{}, {}] });
  await killProcess(victim);
  const again = up();
  expect(how(again).sort()).toEqual(["restarted", "running"]);
  const back = agents().find(({ node }) => node === victim.node)!;
  expect(back.url).toBe(victim.url);
  expect(back.pid).not.toBe(victim.pid);
  expect(isAlive(back)).toBe(true);
  expect(await access()).toEqual(before);
});

test("dev up leaves an edited topology alone, and refuses to choose when both were changed", () => {
  const mine = join(dir, "topology.yaml");
  writeFileSync(mine, `${readFileSync(mine, "utf8")}# mine\n`);
  expect(up().code).toBe(0);
  expect(readFileSync(mine, "utf8")).toMatch(/# mine\n$/);
  writeFileSync(given, `${fixture}# changed\n`);
  const refused = up();
  expect(refused.code).toBe(3);
  expect(refused.json["error"]).toMatchObject({ code: "dev-topology-edited" });
});

test("dev down stops just those, and twice is no error", () => {
  const before = agents();
  expect(down().json["stopped"]).toEqual(before.map(({ node }) => node));
  expect(before.filter(isAlive)).toEqual([]);
  expect(down().json["stopped"]).toEqual([]);
  expect(ops("dev", "down", "--dir", join(root, "nothing")).code).toBe(64);
});
