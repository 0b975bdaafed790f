import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import { parseTopology } from "../../src/lib/topology/parse.js";
import { Expansion } from "./expansion.js";
import type { Json } from "./ops-process.js";
import { overloaded } from "./topologies.js";

const LONG_MS = 600_000;
/** Users who are read much more often than the others, and how often. */
const HOT = { lo: 1_000, hi: 1_100, reads: 400 };

let expansion: Expansion;
beforeAll(async () => {
  expansion = await Expansion.start();
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

async function readHotUsers(): Promise<void> {
  const uids = Array.from({ length: HOT.hi - HOT.lo }, (_, i) => HOT.lo + i);
  const body = uids.map((uid) => JSON.stringify({ op: "get", key: `${uid}/profile` })).join("\n");
  const url = `${expansion.cluster.url("a1")}/v1/data/profile:batch`;
  for (let i = 0; i < HOT.reads; i += 1) {
    const answer = await fetch(url, { method: "POST", body });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
  }
}

it(
  "a shard of which a few users are read the most is expanded by its accesses, and so it is planned and done",
  { timeout: LONG_MS },
  async () => {
    await readHotUsers();
    const wanted = join(expansion.dir, "expanded.yaml");
    // Expanded because it is full: it may carry too little now, not afterwards.
    const full = join(expansion.dir, "full.yaml");
    const text = await readFile(expansion.cluster.topologyFile, "utf8");
    await writeFile(full, overloaded(text));
    const args = ["-t", full, "--keyspace", "profile"];
    const add = ["--add", "p1=a2,b2", "-o", wanted];
    const json = await expansion.must("shard", "expand", ...args, ...add);

    expect(json["basis"]).toMatchObject({ kind: "load" });
    const { moves, load, bytes } = json as unknown as {
      moves: { from: string; segments: { lo: string; hi: string }[]; ops: number }[];
      load: { ratio: number };
      bytes: { ratio: number };
    };
    expect(moves.map(({ from }) => from)).toEqual(["p0"]);
    // Two shards can share it to 1 %; the hot users are on both of them, as one would be too full with all.
    expect(load.ratio).toBeLessThan(1.03);
    expect(bytes.ratio).toBeLessThan(1.12);
    const [move] = moves;
    expect(move!.ops).toBeGreaterThan(0);
    const moved = (uid: number): boolean =>
      move!.segments.some(({ lo, hi }) => Number(lo) <= uid && uid < Number(hi));
    const hot = Array.from({ length: HOT.hi - HOT.lo }, (_, i) => HOT.lo + i).filter(moved);
    expect(hot.length).toBeGreaterThan(40);
    expect(hot.length).toBeLessThan(100);
    // Few bytes: not half of the users, as half of the bytes would be.
    expect(
      move!.segments.reduce((all, { lo, hi }) => all + Number(hi) - Number(lo), 0),
    ).toBeLessThan(600);

    expect(parseTopology(await readFile(wanted, "utf8"), wanted).keyspaces).toMatchObject([
      { shards: [{ id: "p0" }, { id: "p9" }, { id: "p1", primary: "a2", replicas: ["b2"] }] },
    ]);
    const plan = join(expansion.dir, "expanded.json");
    const refused = await expansion.ops(["shard", "plan", "-t", wanted, "-o", plan]);
    expect(refused.json["error"]).toMatchObject({ code: "unfit-topology" });
    await writeFile(wanted, (await readFile(wanted, "utf8")).replace(overloaded(""), ""));
    await expansion.must("shard", "plan", "-t", wanted, "-o", plan);
    const { run } = await expansion.must("shard", "apply", plan, "--yes");
    await expansion.must("shard", "finalize", String(run), "--early", "--yes");
    for (const uid of [hot[0]!, hot.at(-1)!]) {
      const answer = await fetch(`${expansion.cluster.url("a2")}/v1/data/profile/${uid}/profile`);
      expect(answer.status).toBe(200);
    }
  },
);

it("where a node does not answer, nothing is expanded", { timeout: LONG_MS }, async () => {
  await expansion.cluster.kill9("c1");
  const args = ["-t", expansion.cluster.topologyFile, "--keyspace", "profile"];
  const { code, json } = await expansion.ops(["shard", "expand", ...args, "--add", "p2=b2"]);
  expect(code).toBe(9);
  expect(json["error"]).toMatchObject({ code: "unreachable" });
  expect((json["error"] as Json)["message"]).toContain("c1");
});

it("an agent counts where it is used: rates by position in its histogram", async () => {
  const api = new AgentClient(expansion.cluster.url("a1"));
  try {
    const answer = await api.histogram("profile", 0n, 1_000n, 10);
    expect(answer.countedSeconds).toBeGreaterThan(0);
    expect(answer.buckets).toHaveLength(10);
    // Every user was written to.
    for (const { ops, traffic } of answer.buckets) {
      expect(ops).toBeGreaterThan(0);
      expect(traffic).toBeGreaterThan(ops!);
    }
  } finally {
    await api.close();
  }
});
