import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, createClient } from "../../src/lib/client/index.js";
import { People } from "../../src/lib/demo/people.js";
import { Population } from "../../src/lib/demo/population.js";
import { positionOf } from "../../src/lib/keyspace/key.js";
import { pieceAt } from "../../src/lib/keyspace/map.js";
import { ringSegments } from "../../src/lib/keyspace/ring.js";
import { finalizeRun } from "../../src/lib/run/finalize.js";
import { environmentOf } from "./environment.js";
import { Expansion, RATES } from "./expansion.js";
import { makePlan } from "./make-plan.js";
import type { Ended, Json } from "./ops-process.js";
import { ringCheck } from "./ring-check.js";

const LONG_MS = 600_000;
const RING_USERS = 400;
const VIRTUAL_NODES = 24;

/** Two sets of a node in each of three regions, of which one is at risk at a time; `keyspaces` as YAML, indented by two. */
function topology(keyspaces: string): string {
  const node = (name: string, port: number) =>
    `                ${name}: { agent: "http://127.0.0.1:${port}", engine: embedded, capacity: { memory: 8GiB, ops: 50k, network: 1Gbps } }`;
  const set = (name: string, only: string) => `          ${name}:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            data:
              nodes:
${only}`;
  const region = (name: string, letter: string, port: number) => `  ${name}:
    idcs:
      ${name}-1:
        carriers: [telecom]
        sets:
${set(`${name}-1-a`, node(`${letter}1`, port))}
${set(`${name}-1-b`, node(`${letter}2`, port + 1))}`;
  return `version: 1
name: kinds
regions:
${region("east", "a", 7401)}
${region("west", "b", 7403)}
${region("north", "c", 7405)}
keyspaces:
${keyspaces}
links: [{ between: [east, west], bandwidth: 1Gbps }, { between: [east, north], bandwidth: 1Gbps }]
policy:
  blastRadius: set
  promotion: { reads: [10%, 100%], canary: 10%, slices: 2 }
  gates: { window: 200ms, minSamples: 0, maxErrorRate: 100%, maxP99Ratio: 1000, maxLag: 10s }
  bandwidth: { perLink: unlimited }
  takeover: { budget: 5s }
  soak: 1s
`;
}

const range = (name: string, domain: string, shards: string[]) =>
  `  ${name}: { class: relationship, sync: global, sharding: range, domain: ${domain}, shards: { ${shards.join(", ")} } }`;
const ring = (shards: string[]) =>
  `  status: { class: status, sync: global, sharding: consistent-hash, virtualNodes: ${VIRTUAL_NODES}, shards: { ${shards.join(", ")} } }`;

const FIRST = topology(
  [
    range("profile", "0..4000", [
      "p0: { segments: [0..1500], primary: a1, replicas: [b1] }",
      "p1: { segments: [1500..2800], primary: a2, replicas: [b2] }",
      "p2: { segments: [2800..4000], primary: c1, replicas: [b1] }",
    ]),
    range("album", "0..1000", ["q0: { segments: [0..1000], primary: c2, replicas: [a2] }"]),
    ring(["s0: { primary: a1, replicas: [b1] }", "s1: { primary: b2, replicas: [a2] }"]),
  ].join("\n"),
);

/**
 * p1 is gone, its segment spread over two; p3 takes a part of p0 on the same node; p0 gets a replica more; p2 goes to another node and
 * its replica too; the domain grows. The ring gets a shard. A keyspace is gone.
 */
const SECOND = topology(
  [
    range("profile", "0..5000", [
      "p0: { segments: [0..1000, 1500..2000], primary: a1, replicas: [b1, c1] }",
      "p3: { segments: [1000..1500], primary: a1, replicas: [b1] }",
      "p2: { segments: [2000..5000], primary: c2, replicas: [b2] }",
    ]),
    ring([
      "s0: { primary: a1, replicas: [b1] }",
      "s1: { primary: b2, replicas: [a2] }",
      "s2: { primary: c1, replicas: [b1] }",
    ]),
  ].join("\n"),
);

let expansion: Expansion;
let clients: Client[];
let status: Population;
let run: string;
const people = new People(RING_USERS, 3);

beforeAll(async () => {
  expansion = await Expansion.between(FIRST, SECOND);
  await expansion.must("shard", "apply", expansion.first, "--yes");
  const agents = Object.values(expansion.cluster.urls);
  clients = ["east", "north"].map((region) =>
    createClient({ agents, region, deadlineMs: 60_000, retryUnknown: true }),
  );
  status = new Population({ keyspace: "status", people, clients, random: Math.random });
  await Promise.all([expansion.population.load(), status.load()]);
  for (let uid = 0; uid < 1_000; uid += 100) await clients[0]!.put("album", `${uid}/a`, `${uid}`);
  expansion.open();
  status.start(RATES);
}, LONG_MS);

afterAll(async () => {
  await status?.stop();
  await Promise.all((clients ?? []).map((client) => client.close()));
  await expansion?.stop();
}, LONG_MS);

async function plan(file: string, name: string): Promise<string> {
  const out = join(expansion.dir, `${name}.json`);
  await makePlan(file, out);
  return out;
}

/** Plans what the file wants and applies it, up to the soak. */
async function apply(file: string, name: string, killAt = 0): Promise<string> {
  const made = await plan(file, name);
  const end = await expansion.ops(["shard", "apply", made, "--yes"], killAt);
  const id = await expansion.lastRun();
  if (end.signal !== null) {
    const resumed = await expansion.resumed(id, await expansion.ops(["run", "resume", id]));
    expect(resumed).toMatchObject({ code: 0, json: { activity: "soaking" } });
  } else expect(end).toMatchObject({ code: 0, json: { activity: "soaking" } });
  return id;
}

const finalize = (...args: string[]) =>
  expansion.ops(["shard", "finalize", run, "--early", "--yes", ...args]);
const errorOf = ({ json }: Ended) => json["error"] as Record<"code" | "message" | "hint", string>;

/** `a1 primary 0-1500`, sorted, of one keyspace; neighbouring entries of a node joined. */
async function holdings(keyspace: string): Promise<string[]> {
  const out: string[] = [];
  for (const node of Object.keys(expansion.cluster.urls).toSorted()) {
    const answer = await fetch(`${expansion.cluster.url(node)}/v1/node`);
    const { entries } = (await answer.json()) as { entries: Json[] };
    let last: [role: unknown, lo: unknown, hi: unknown] | null = null;
    for (const { keyspace: of, role, lo, hi } of entries) {
      if (of !== keyspace) continue;
      if (last !== null && last[0] === role && last[2] === lo) last[2] = hi;
      else {
        if (last !== null)
          out.push(`${node} ${String(last[0])} ${String(last[1])}-${String(last[2])}`);
        last = [role, lo, hi];
      }
    }
    if (last !== null) out.push(`${node} ${String(last[0])} ${String(last[1])}-${String(last[2])}`);
  }
  return out;
}

const FIRST_PROFILE = [
  "a1 primary 0-1500",
  "a2 primary 1500-2800",
  "b1 follower 0-1500",
  "b1 follower 2800-4000",
  "b2 follower 1500-2800",
  "c1 primary 2800-4000",
];

const shardOf = async (key: string, keyspace = "profile") =>
  (await expansion.must("route", "lookup", keyspace, key))["shard"];

describe("several kinds of change in one plan, while users write", { timeout: LONG_MS }, () => {
  it("say what they do before they do it", async () => {
    const text = expansion.begin(["shard", "plan", "-t", expansion.wanted], { json: false });
    const { code } = await text.ended;
    expect(code).toBe(0);
    const planned = await expansion.must("shard", "plan", "-t", expansion.wanted);
    const steps = (planned["plan"] as { stages: { waves: { kind: string }[][] }[] }).stages
      .flatMap(({ waves }) => waves.flat())
      .map(({ kind }) => kind);
    for (const kind of ["init", "link", "domain", "relabel", "takeover", "drop", "discard"])
      expect(steps).toContain(kind);
  });

  it("get there although their process is killed, and everything can be read where it is now", async () => {
    run = await apply(expansion.wanted, "second", 40);
    expect(await holdings("profile")).toEqual([
      "a1 primary 0-2000",
      "a2 follower 1500-2800",
      "b1 follower 0-2000",
      "b1 follower 2800-4000",
      "b2 follower 1500-5000",
      "c1 follower 0-1000",
      "c1 follower 1500-2000",
      "c1 follower 2800-4000",
      "c2 primary 2000-5000",
    ]);
    expect(
      await Promise.all(["7", "1200", "1700", "2500", "4500"].map((key) => shardOf(key))),
    ).toEqual(["p0", "p3", "p0", "p2", "p2"]);
    const client = clients[0]!;
    await expect(client.get("album", "300/a")).rejects.toMatchObject({ code: "no-route" });
    expect((await expansion.ops(["route", "lookup", "album", "300"])).code).toBe(64);
  });

  it("have the client and route lookup follow the ring", async () => {
    const segments = ringSegments(["s0", "s1", "s2"], VIRTUAL_NODES);
    const map = [...segments]
      .flatMap(([value, of]) => of.map((segment) => ({ ...segment, value })))
      .toSorted((a, b) => (a.lo < b.lo ? -1 : 1));
    const expected = (uid: number) =>
      pieceAt(map, positionOf("consistent-hash", BigInt(uid)))!.value;
    const uids = Array.from({ length: RING_USERS }, (_, i) => i);
    const moved = uids.filter((uid) => expected(uid) === "s2");
    expect(moved.length).toBeGreaterThan(RING_USERS / 10);
    for (const uid of [...moved.slice(0, 3), ...uids.slice(0, 3)])
      expect(await shardOf(String(uid), "status")).toBe(expected(uid));
    const { position } = await clients[1]!.put("status", `${moved[0]!}/extra`, "seen");
    const found = await clients[0]!.get("status", `${moved[0]!}/extra`, { minPosition: position });
    expect(String(found?.value)).toBe("seen");
    await clients[1]!.delete("status", `${moved[0]!}/extra`);
  });

  it("go all the way back, with what was withdrawn, and nothing is lost", async () => {
    const back = await expansion.ops(["shard", "rollback", run, "--yes"]);
    expect(back).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
    expect(await holdings("profile")).toEqual(FIRST_PROFILE);
    expect(await shardOf("1200")).toBe("p0");
    for (let uid = 0; uid < 1_000; uid += 100) {
      await expect
        .poll(async () =>
          String((await clients[0]!.get("album", `${uid}/a`).catch(() => null))?.value),
        )
        .toBe(String(uid));
    }
    expect((await expansion.ops(["route", "lookup", "profile", "4500"])).code).toBe(64);
  });

  it("delete a keyspace only when it is named, and nobody uses it any more", async () => {
    run = await apply(expansion.wanted, "again");
    for (const args of [[], ["--drop-outside", "profile"]]) {
      const end = await finalize(...args);
      expect([end.code, errorOf(end).code]).toEqual(
        args.length === 0 ? [3, "not-confirmed"] : [64, "not-deleted"],
      );
    }
    const refused = await finalize();
    expect(errorOf(refused).hint).toContain(`ops shard finalize ${run} --drop-keyspace album`);
    expect(await expansion.must("run", "show", run)).toMatchObject({ activity: "soaking" });

    const busy = environmentOf(expansion, {
      c2: (agent) => ({
        async stats(...asked) {
          const told = await agent.stats(...asked);
          return { ...told, reads: { ...told.reads, count: told.reads.count + 3 } };
        },
      }),
    });
    const later = { ...busy, clock: { ...busy.clock, now: () => Date.now() + 60_000 } };
    const deletions = { keyspaces: ["album"], outside: [] };
    // Also the second time, when the finalization has begun.
    for (let left = 2; left > 0; left -= 1) {
      await expect(finalizeRun(later, run, { early: true, deletions })).rejects.toMatchObject({
        code: "in-use",
        exit: 3,
      });
    }
    // Nothing is taken, and so nothing lost, that comes by older routes.
    const direct = await fetch(`${expansion.cluster.url("c2")}/v1/data/album/100/a`, {
      method: "PUT",
      body: "late",
    });
    expect([direct.status, await direct.json()]).toMatchObject([421, { code: "wrong-node" }]);
    expect(await holdings("album")).toEqual(["a2 follower 0-1000", "c2 primary 0-1000"]);

    expect(await expansion.ops(["run", "resume", run])).toMatchObject({ code: 0 });
    expect(await holdings("album")).toEqual([]);
    expect(await holdings("profile")).toEqual([
      "a1 primary 0-2000",
      "b1 follower 0-2000",
      "b2 follower 2000-5000",
      "c1 follower 0-1000",
      "c1 follower 1500-2000",
      "c2 primary 2000-5000",
    ]);
    const nothing = await expansion.must("shard", "plan", "-t", expansion.wanted);
    expect(nothing).toMatchObject({ changes: false });
  });
});

describe("primaries that leave a region", { timeout: LONG_MS }, () => {
  it("go to replicas elsewhere, of ranges and of the ring, and nothing is copied", async () => {
    const left = join(expansion.dir, "left.yaml");
    const args = ["shard", "failover", "-t", expansion.wanted, "--region", "east", "-o", left];
    const { moves } = (await expansion.must(...args)) as { moves: Json[] };
    expect(moves.map(({ keyspace, shard }) => `${String(keyspace)}/${String(shard)}`)).toEqual([
      "profile/p0",
      "profile/p3",
      "status/s0",
    ]);
    run = await apply(left, "left");
    for (const keyspace of ["profile", "status"])
      expect((await holdings(keyspace)).join()).not.toMatch(/a\d primary/);
    expect(await finalize()).toMatchObject({ code: 0, json: { outcome: "finalized" } });
    expect(await expansion.must("shard", "plan", "-t", left)).toMatchObject({ changes: false });
    await writeFile(expansion.wanted, await readFile(left, "utf8"));
  });
});

describe("less of everything", { timeout: LONG_MS }, () => {
  const people1 = [4_100, 4_200];

  it("takes a shard off the ring and narrows a domain; what lies outside is there until it is named", async () => {
    for (const uid of people1) await clients[0]!.put("profile", `${uid}/late`, "written");
    const text = await readFile(expansion.wanted, "utf8");
    const smaller = join(expansion.dir, "smaller.yaml");
    await writeFile(
      smaller,
      text
        .replace("domain: 0..5000", "domain: 0..4000")
        .replace("2000..5000", "2000..4000")
        .replace(/s1: \{ primary: b2, replicas: \[a2\] \}, /, ""),
    );
    run = await apply(smaller, "smaller");
    await expect
      .poll(() =>
        clients[0]!.get("profile", "4100/late").catch((error: unknown) => (error as Json)["code"]),
      )
      .toBe("no-route");
    const back = await expansion.ops(["shard", "rollback", run, "--yes"]);
    expect(back).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
    for (const uid of people1) {
      await expect
        .poll(async () =>
          String((await clients[0]!.get("profile", `${uid}/late`).catch(() => null))?.value),
        )
        .toBe("written");
    }

    run = await apply(smaller, "smaller-again");
    expect(errorOf(await finalize()).hint).toContain("--drop-outside profile");
    expect(await finalize("--drop-outside", "profile")).toMatchObject({
      code: 0,
      json: { outcome: "finalized" },
    });
    expect((await holdings("profile")).join()).not.toContain("5000");
    const shards = await expansion.must("route", "export", "--keyspace", "status");
    expect(JSON.stringify(shards)).not.toContain('"s1"');
    expect(await expansion.must("shard", "plan", "-t", smaller)).toMatchObject({ changes: false });
  });

  it("has lost no acknowledged write, and brought nothing back that was deleted", async () => {
    await status.stop();
    const { wrong, acked, checked } = await expansion.verdict();
    expect(wrong).toEqual([]);
    expect(checked).toBe(acked);
    expect(status.wrongReads).toEqual([]);
    const urls = Object.values(expansion.cluster.urls);
    const found = await ringCheck(urls, "status", people, status.ledger);
    expect(found.wrong).toEqual([]);
    expect(found.primaries).toBe(people.slots);
    expect(found.copies).toBeGreaterThanOrEqual(people.slots);
    expect([expansion.population.failures, status.failures]).toEqual([0, 0]);
  });
});
