import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { failOver, leavingOf, type Leaving } from "../../src/lib/plan/failover.js";
import { observedFromTopology } from "../../src/lib/plan/observed.js";
import { planShards } from "../../src/lib/plan/planner.js";
import { parseTopology } from "../../src/lib/topology/parse.js";

const FIXTURE = join(import.meta.dirname, "../../fixtures/plans/region-failover");

/** Two regions with two idcs each, and a third; `n` is the most idle node of its region. */
const TEXT = `version: 1
name: failover
regions:
${region("sh", 1, ["sh-1", "sh-2"])}
${region("sz", 3, ["sz-1", "sz-2"])}
${region("tj", 5, ["tj-1", "tj-2"])}
keyspaces:
  # who knows whom
  profile:
    class: relationship
    sync: global
    sharding: range
    domain: 0..1000
    shards:
      p0: # the old one
        segments: [0..400]
        primary: sh-1 # since 2019
        replicas:
          - sz-1 # next to the users
          - tj-1
      p1: { segments: [400..700], primary: sh-2, replicas: [sz-1, tj-1] }
      p2: { segments: [700..1000], primary: "sz-2", replicas: ['sh-1'] }
  status:
    class: status
    sync: global
    sharding: consistent-hash
    virtualNodes: 8
    shards:
      s0: { primary: sh-1, replicas: [sz-2] }
policy: { spread: node }
`;

function region(name: string, port: number, nodes: readonly string[]): string {
  const idcs = nodes.map(
    (node, i) => `      ${node}-idc:
        carriers: [telecom]
        sets:
          ${node}-set:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            data:
              nodes:
                ${node}: { agent: "http://127.0.0.1:71${port + i}0", engine: embedded, capacity: { memory: 8GiB, ops: 50k, network: 1Gbps } }`,
  );
  return `  ${name}:\n    idcs:\n${idcs.join("\n")}`;
}

function source(text = TEXT) {
  return { topology: parseTopology(text, "t.yaml"), text, file: "t.yaml" };
}

const moved = (leaving: Leaving, ...to: string[]) =>
  failOver(source(), leaving, to).moves.map(
    ({ keyspace, shard, from, to: node }) => `${keyspace}/${shard} ${from} -> ${node}`,
  );

describe("failing over", () => {
  test("a region: every primary there goes to another region, spread over the nodes", () => {
    expect(moved({ kind: "region", id: "sh" })).toEqual([
      "profile/p0 sh-1 -> sz-1",
      "profile/p1 sh-2 -> tj-1",
      "status/s0 sh-1 -> sz-2",
    ]);
  });

  test("a node, an idc, a shard: only what is there", () => {
    const leavesNode = ["profile/p0 sh-1 -> sz-1", "status/s0 sh-1 -> sz-2"];
    expect(moved({ kind: "node", id: "sh-1" })).toEqual(leavesNode);
    expect(moved({ kind: "idc", id: "sh-1-idc" })).toEqual(leavesNode);
    expect(moved(leavingOf({ shard: "profile/p1" }))).toEqual(["profile/p1 sh-2 -> sz-1"]);
    expect(moved({ kind: "idc", id: "tj-2-idc" })).toEqual([]);
  });

  test("a region: the fixture of its plan is what is written", () => {
    const read = (file: string) => readFileSync(join(FIXTURE, file), "utf8");
    const { text } = failOver(source(read("before.yaml")), { kind: "region", id: "sh" }, []);
    expect(text).toBe(read("after.yaml"));
  });

  test("only to where it is asked to go", () => {
    expect(moved({ kind: "node", id: "sh-2" }, "tj")).toEqual(["profile/p1 sh-2 -> tj-1"]);
    expect(moved({ kind: "node", id: "sh-2" }, "sz-1", "sz-2")).toEqual([
      "profile/p1 sh-2 -> sz-1",
    ]);
  });

  test("changes two names for each shard in the file, and nothing else", () => {
    const { text } = failOver(source(), { kind: "region", id: "sh" }, []);
    const [before, after] = [TEXT.split("\n"), text.split("\n")];
    expect(after.filter((line, i) => line !== before[i])).toEqual([
      "        primary: sz-1 # since 2019",
      "          - sh-1 # next to the users",
      "      p1: { segments: [400..700], primary: tj-1, replicas: [sz-1, sh-2] }",
      "      s0: { primary: sz-2, replicas: [sh-1] }",
    ]);
    const back = failOver(source(text), { kind: "region", id: "sz" }, ["sh"]);
    expect(back.moves.map(({ shard }) => shard)).toEqual(["p0", "p2", "s0"]);
  });

  test("shards without a replica elsewhere are all named, and nothing is written", () => {
    const refusal = (leaving: Leaving, ...to: string[]) => {
      try {
        failOver(source(), leaving, to);
      } catch (error) {
        return error as { code: string; exit: number; message: string };
      }
      throw new Error("it was done");
    };
    const local = refusal({ kind: "region", id: "sh" }, "tj");
    expect(local).toMatchObject({ code: "failover/no-replica", exit: 3 });
    expect(local.message).toContain("status/s0 on sh-1, replicas only on sz-2");
    expect(local.message).not.toContain("p0");
    expect(refusal({ kind: "region", id: "mars" })).toMatchObject({
      code: "failover/unknown",
      exit: 3,
    });
    expect(refusal({ kind: "node", id: "sh-1" }, "mars")).toMatchObject({ exit: 3 });
    expect(() => leavingOf({ shard: "p0" })).toThrow(expect.objectContaining({ exit: 64 }));
  });

  test.each<Leaving>([
    { kind: "region", id: "sh" },
    { kind: "node", id: "sh-1" },
    { kind: "region", id: "sz" },
    { kind: "shard", keyspace: "status", shard: "s0" },
  ])("is a plan of takeovers between standing copies, nothing is copied: $kind", (leaving) => {
    const { text, moves } = failOver(source(), leaving, []);
    const plan = planShards({
      topology: parseTopology(text, "t.yaml"),
      observed: observedFromTopology(source().topology),
      createdAt: "2026-01-01T00:00:00.000Z",
      topologyHash: "t",
    });
    const steps = plan.stages.flatMap(({ waves }) => waves.flat());
    const kinds = new Set(steps.map(({ kind }) => kind));
    for (const kind of ["link", "readers", "drop"] as const) expect([...kinds]).not.toContain(kind);
    const takeovers = steps.filter((step) => step.kind === "takeover");
    const done = new Set(takeovers.map((step) => `${step.keyspace}/${step.shard} ${step.node}`));
    const wanted = moves.map(({ keyspace, shard, to }) => `${keyspace}/${shard} ${to}`);
    expect(done).toEqual(new Set(wanted));
  });
});
