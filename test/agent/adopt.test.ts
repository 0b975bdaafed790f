import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import { LINEAGE, type Nodes, type TestNode, startNodes } from "./nodes.js";

const OTHER = "other-lineage";
const of = (scope: string, epoch: bigint, lineage: string) => ({ scope, epoch, lineage });

let nodes: Nodes;
let a: TestNode;
beforeAll(async () => {
  nodes = await startNodes("a");
  a = nodes.of("a");
});
afterAll(() => nodes?.stop());

async function codeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return "accepted";
  } catch (error) {
    if (error instanceof AgentProblem) return `${error.status} ${error.code}`;
    throw error;
  }
}

describe("a node that leaves its control plane for another", () => {
  test("does so only for one that knows which it leaves", async () => {
    await a.must({ kind: "init", lo: 0n, hi: 100n, sharding: "range" });
    await a.put("7/name", "Li Lei");
    await a.api.putEpoch(of("keyspace/p", 7n, LINEAGE));
    const asked = a.api.putLineage(
      { from: "never-there", changes: 0 },
      of("keyspace/p", 1n, OTHER),
    );
    expect(await codeOf(asked)).toBe("409 unknown-lineage");
    expect(await a.api.node()).toMatchObject({ lineage: LINEAGE, epochs: { "keyspace/p": 7n } });
  });

  test("not while it works for the one that it has", async () => {
    const request = { kind: "link", keyspace: "p", sharding: "range", link: "l1" } as const;
    const source = { node: "gone", url: "http://127.0.0.1:9" };
    const more = { lo: 200n, hi: 300n, source, purpose: "replica", bytesPerSecond: null } as const;
    await a.api.putOperation("link-some", { ...request, ...more }, of("keyspace/p", 7n, LINEAGE));
    const waits = { kind: "sync", keyspace: "p", lo: 200n, hi: 300n, maxLagMs: 1 } as const;
    await a.api.putOperation("wait-for-it", waits, of("keyspace/p", 7n, LINEAGE));
    const adopt = () =>
      a.api.putLineage({ from: LINEAGE, changes: 0 }, of("keyspace/p", 1n, OTHER));
    expect(await codeOf(adopt())).toBe("409 busy");
    expect((await a.api.node()).lineage).toBe(LINEAGE);
    await a.api.cancelOperation("wait-for-it", of("keyspace/p", 7n, LINEAGE));
    while ((await codeOf(adopt())) === "409 busy");
    expect((await a.api.node()).lineage).toBe(OTHER);
  });

  test("counts epochs anew, and holds and serves what it held, also after kill -9", async () => {
    await nodes.kill9(a);
    await nodes.restart(a);
    expect(await a.api.node()).toMatchObject({ lineage: OTHER, epochs: { "keyspace/p": 1n } });
    expect((await a.entries()).map(({ lo, role }) => [lo, role])).toEqual([
      [0n, "primary"],
      [200n, "follower"],
    ]);
    expect(await (await a.data("7/name")).text()).toBe("Li Lei");
    expect(await codeOf(a.api.putEpoch(of("keyspace/p", 8n, LINEAGE)))).toBe("409 unknown-lineage");
    // Asked again it agrees.
    expect(
      await codeOf(a.api.putLineage({ from: LINEAGE, changes: 0 }, of("keyspace/p", 1n, OTHER))),
    ).toBe("accepted");
  });

  test("knows the epochs of the first one again when it comes back", async () => {
    const back = (epoch: bigint) =>
      a.api.putLineage({ from: OTHER, changes: 1 }, of("keyspace/p", epoch, LINEAGE));
    expect(await codeOf(back(6n))).toBe("409 stale-epoch");
    expect((await a.api.node()).lineage).toBe(OTHER);
    expect(await codeOf(back(8n))).toBe("accepted");
    expect(await a.api.node()).toMatchObject({ lineage: LINEAGE, epochs: { "keyspace/p": 8n } });
  });

  test("not for one that looked at it before it was away and came back, also after kill -9", async () => {
    await nodes.kill9(a);
    await nodes.restart(a);
    const left = (changes: number) =>
      a.api.putLineage({ from: LINEAGE, changes }, of("keyspace/p", 9n, OTHER));
    expect(await codeOf(left(0))).toBe("409 lineage-changed");
    const { lineage, lineageChanges } = await a.api.node();
    expect({ lineage, lineageChanges }).toEqual({ lineage: LINEAGE, lineageChanges: 2 });
    expect(await codeOf(left(lineageChanges))).toBe("accepted");
  });
});
