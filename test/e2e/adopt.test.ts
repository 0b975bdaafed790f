import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NodeStatus } from "../../src/lib/agent/protocol/node.js";
import { isEnded } from "../../src/lib/agent/protocol/operation.js";
import type { Segment } from "../../src/lib/keyspace/segment.js";
import type { RouteTable } from "../../src/lib/routing/table.js";
import type { Difference } from "../../src/lib/run/drift/types.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import { KEYSPACE, SCOPE, withAgent } from "./another-ops.js";
import { Expansion } from "./expansion.js";
import type { Ended, Json } from "./ops-process.js";
import { overloaded } from "./topologies.js";

const LONG_MS = 600_000;

let expansion: Expansion;
const nodes = () => Object.keys(expansion.cluster.urls);
const adopt = (...more: string[]) => [
  "agent",
  "adopt",
  "-t",
  expansion.cluster.topologyFile,
  ...more,
];
const errorOf = ({ json }: Ended) => json["error"] as Record<"code" | "message" | "hint", string>;

function statusOf(node: string): Promise<NodeStatus> {
  return withAgent(expansion, node, (agent) => agent.node());
}

async function lineages(): Promise<string[]> {
  const all = await Promise.all(nodes().map(async (node) => (await statusOf(node)).lineage));
  return [...new Set(all.map(String))];
}

/** Who holds what in which generation, whatever else there is to say. */
async function holdings(): Promise<Json> {
  const told = await Promise.all(
    nodes().map(async (node) => {
      const { entries } = await statusOf(node);
      const held = entries.map(
        ({ lo, hi, role, generation }) => `${lo}..${hi} ${role} ${generation}`,
      );
      return [node, held.toSorted()] as const;
    }),
  );
  return Object.fromEntries(told);
}

async function routes(node: string): Promise<RouteTable> {
  const { tables } = await withAgent(expansion, node, (agent) => agent.routes());
  return tables.find(({ keyspace }) => keyspace === KEYSPACE)!;
}

const weightsOf = ({ segments }: RouteTable) => [
  ...new Set(segments.flatMap(({ readers }) => readers.map(({ weight }) => weight))),
];

/** The state directory is gone; a copy of it is what another control plane would have. */
async function loseState(): Promise<string> {
  const copy = join(expansion.dir, `lost-${Math.random().toString(36).slice(2)}`);
  await rename(expansion.state, copy);
  return copy;
}

/** As a run of the control plane that the agents obey until they are taken over. */
async function takeOverAsBefore(lost: string, to: string, segment: Segment): Promise<void> {
  const store = new FileStateStore(lost);
  const lease = await store.acquire([SCOPE], { run: "r-other", actor: "other", now: 0 });
  const by = { scope: SCOPE, epoch: lease.epochs[SCOPE]!, lineage: await store.lineage() };
  const request = { kind: "takeover", keyspace: KEYSPACE, ...segment, generation: 2n } as const;
  await withAgent(expansion, to, async (agent) => {
    let told = await agent.putOperation("as-before", { ...request, budgetMs: 2_000 }, by);
    while (!isEnded(told.state)) told = (await agent.waitOperation("as-before", told.rev, 10_000))!;
    expect(told).toMatchObject({ state: "succeeded" });
  });
  await lease.release();
}

describe(
  "agents whose state directory was lost in the middle of an expansion",
  { timeout: LONG_MS },
  () => {
    let lost: string;
    let lineage: string;
    let held: Json;

    beforeAll(async () => {
      expansion = await Expansion.start();
      expansion.open();
      await expansion.must(
        "shard",
        "apply",
        expansion.plan,
        "--until",
        "5-promote-reads-10",
        "--yes",
      );
      lineage = (await lineages())[0]!;
      lost = await loseState();
      held = await holdings();
    }, LONG_MS);
    afterAll(() => expansion?.stop(), LONG_MS);

    it("obey no other, and that one says what takes them over", async () => {
      const plan = join(expansion.dir, "refused.json");
      await expansion.must("shard", "plan", "-t", expansion.cluster.topologyFile, "-o", plan);
      const refused = await expansion.ops(["shard", "apply", plan, "--yes"]);
      expect(refused.code).toBe(3);
      expect(errorOf(refused)).toMatchObject({ code: "unknown-lineage" });
      expect(errorOf(refused).hint).toContain("ops agent adopt");
      const drift = await expansion.ops([
        "topology",
        "drift",
        "-t",
        expansion.cluster.topologyFile,
      ]);
      expect(drift.code).toBe(4);
      const found = (drift.json["differences"] as Difference[])[0]!;
      expect(found).toMatchObject({
        about: "control-plane",
        nodes: nodes().toSorted(),
        live: lineage,
      });
      expect(found.mend[0]).toBe(`ops agent adopt -t ${expansion.cluster.topologyFile}`);
      await loseState();
    });

    it("are not taken over while one of them cannot say what it holds", async () => {
      await expansion.cluster.kill9("b2");
      const end = await expansion.ops(adopt("--yes"));
      expect(end.code).toBe(9);
      expect(errorOf(end)).toMatchObject({ code: "plan/unreachable" });
      expect(errorOf(end).message).toContain("b2");
      await expansion.cluster.restart("b2");
      expect(await lineages()).toEqual([lineage]);
    });

    it("nor while they obey several others", async () => {
      const third = { scope: SCOPE, epoch: 1n, lineage: "third-control-plane" };
      await withAgent(expansion, "c1", (agent) =>
        agent.putLineage({ from: lineage, changes: 0 }, third),
      );
      const end = await expansion.ops(adopt("--yes"));
      expect(end.code).toBe(3);
      expect(errorOf(end)).toMatchObject({ code: "plan/lineages" });
      expect(errorOf(end).message).toContain("third-control-plane: c1");
      const store = new FileStateStore(lost);
      const lease = await store.acquire([SCOPE], { run: "r-other", actor: "other", now: 0 });
      const first = { scope: SCOPE, epoch: lease.epochs[SCOPE]!, lineage };
      await withAgent(expansion, "c1", (agent) =>
        agent.putLineage({ from: third.lineage, changes: 1 }, first),
      );
      await lease.release();
      expect(await lineages()).toEqual([lineage]);
    });

    it("are looked at by a dry run, which changes nothing, and by nobody without a yes", async () => {
      // Taken over before anything can be done about it, a file may carry too little.
      const full = join(expansion.dir, "full.yaml");
      const text = await readFile(expansion.cluster.topologyFile, "utf8");
      await writeFile(full, overloaded(text));
      const dry = await expansion.must("agent", "adopt", "-t", full, "--dry-run");
      expect((dry["lines"] as Json[]).map(({ kind }) => kind)).toEqual([
        ...nodes().map(() => "preflight"),
        ...nodes().map(() => "adopt"),
        "domain",
      ]);
      expect((dry["left"] as Difference[]).map(({ about }) => about)).toEqual(["holders"]);
      const asked = await expansion.ops(adopt());
      expect(asked).toMatchObject({ code: 64, json: { error: { code: "confirmation-needed" } } });
      expect(await lineages()).toEqual([lineage]);
      expect(await new FileStateStore(expansion.state).exists()).toBe(false);
    });

    it("are taken over as they are, also where ops is killed half way", async () => {
      expect((await expansion.ops(adopt("--yes"), "adopt.intent")).signal).toBe("SIGKILL");
      const run = await expansion.lastRun();
      const lookup = ["route", "lookup", KEYSPACE, "7"];
      expect(errorOf(await expansion.ops(lookup))).toMatchObject({
        code: "half-adopted",
        hint: expect.stringContaining(`ops run resume ${run}`) as string,
      });
      const again = await expansion.ops(adopt("--yes"));
      expect(again).toMatchObject({ code: 3, json: { error: { code: "unfinished-run" } } });
      // Taken back, it leaves some with this control plane; the next one takes the others.
      await expansion.must("shard", "rollback", run, "--yes");
      expect((await expansion.ops(adopt("--yes"), "adopt.intent")).signal).toBe("SIGKILL");
      const next = await expansion.lastRun();
      expect(next).not.toBe(run);
      // The old control plane goes on until then: who is to get the routes has handed them over meanwhile.
      await takeOverAsBefore(lost, "b1", { lo: 3600n, hi: 4000n });
      held = await holdings();
      const stale = await expansion.ops(["run", "resume", next]);
      expect(stale.code).toBe(6);
      expect(errorOf(stale)).toMatchObject({ code: "holders-changed" });
      expect(errorOf(stale).message).toContain("c1 is not the primary of profile [3600, 4000)");
      expect(errorOf(stale).hint).toContain("run ops agent adopt again");
      await expansion.must("shard", "rollback", next, "--yes");
      expect(errorOf(await expansion.ops(lookup))).toMatchObject({
        code: "half-adopted",
        hint: "run ops agent adopt again",
      });
      const end = await expansion.must(...adopt("--yes"));
      expect(end).toMatchObject({ outcome: "applied", missing: {} });
      const ours = await new FileStateStore(expansion.state).knownLineage();
      expect(await lineages()).toEqual([ours]);
      expect(ours).not.toBe(lineage);
      expect(await holdings()).toEqual(held);
      for (const node of nodes()) expect(weightsOf(await routes(node))).toEqual([100]);
      expect(await expansion.must(...adopt("--yes"))).toMatchObject({ changes: false });
    });

    it("obey the lost one no more", async () => {
      const run = (await new FileStateStore(lost).runs()).at(-1)!;
      const end = await expansion.ops(["run", "resume", run, "--state", lost]);
      expect(end.code).toBe(3);
      expect(errorOf(end)).toMatchObject({ code: "unknown-lineage" });
    });

    it("stay when the adoption is rolled back, and go on to where the file wants them, with every write", async () => {
      const run = await expansion.lastRun();
      const back = await expansion.ops(["shard", "rollback", run, "--yes"]);
      expect(back).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
      expect(await holdings()).toEqual(held);

      await expansion.must("shard", "plan", "-t", expansion.wanted, "-o", expansion.plan);
      const applied = await expansion.must("shard", "apply", expansion.plan, "--yes");
      await expansion.must("shard", "finalize", String(applied["run"]), "--early", "--yes");
      const drift = await expansion.must("topology", "drift", "-t", expansion.wanted);
      expect(drift).toMatchObject({ differences: [], unknown: [] });
      const { wrong, acked, checked } = await expansion.verdict();
      expect(wrong).toEqual([]);
      expect(acked).toBeGreaterThan(12_000);
      expect(checked).toBeGreaterThan(0);
    });
  },
);

describe("agents that hold data and have no routes", { timeout: LONG_MS }, () => {
  beforeAll(async () => {
    expansion = await Expansion.empty();
    await expansion.must("shard", "apply", expansion.first, "--until", "verify", "--yes");
    const url = `${expansion.cluster.url("a1")}/v1/data/profile/7/name`;
    await fetch(url, { method: "PUT", body: "Li Lei" });
    await loseState();
  }, LONG_MS);
  afterAll(() => expansion?.stop(), LONG_MS);

  it("get routes to whoever holds it, which a rollback withdraws, and again", async () => {
    for (const version of [1, 3]) {
      const end = await expansion.must(...adopt("--yes"));
      expect(end).toMatchObject({ outcome: "applied", left: [] });
      const table = await routes("c1");
      expect(table.version).toBe(version);
      expect(table.withdrawn).toBeUndefined();
      expect(table.segments.map(({ lo, shard, writer }) => [lo, shard, writer])).toEqual([
        [0n, "p0", "a1"],
        [3600n, "p9", "c1"],
      ]);
      const drift = await expansion.ops([
        "topology",
        "drift",
        "-t",
        expansion.cluster.topologyFile,
      ]);
      expect(drift).toMatchObject({ code: 0, json: { differences: [] } });
      if (version > 1) break;
      await expansion.must("shard", "rollback", String(end["run"]), "--yes");
      expect((await routes("c1")).withdrawn).toBe(true);
    }
    const plan = await expansion.must("shard", "plan", "-t", expansion.cluster.topologyFile);
    expect(plan).toMatchObject({ changes: false });
    const value = await fetch(`${expansion.cluster.url("b1")}/v1/data/profile/7/name`);
    expect(await value.text()).toBe("Li Lei");
  });

  it("are not taken over with a part that nobody in the file holds", async () => {
    await loseState();
    const old = await statusOf("c1");
    expect(old.entries).toHaveLength(1);
    const other = join(expansion.dir, "other.yaml");
    const text = (await readFile(expansion.cluster.topologyFile, "utf8"))
      .replace(/^ *c1: .*\n/m, (line) =>
        line.replace(expansion.cluster.url("c1"), expansion.cluster.url("a2")),
      )
      .replace(/^ *a2: .*\n/m, "");
    await writeFile(other, text);
    const end = await expansion.ops(["agent", "adopt", "-t", other, "--yes"]);
    expect(end.code).toBe(3);
    expect(errorOf(end)).toMatchObject({ code: "plan/no-primary" });
    expect(errorOf(end).message).toContain("[3600, 4000)");
  });
});
