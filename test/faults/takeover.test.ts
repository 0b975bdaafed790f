import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AgentProblem } from "../../src/lib/agent/client/problem.js";
import type { EntryStatus } from "../../src/lib/agent/protocol/node.js";
import {
  authority,
  decimal,
  type Nodes,
  PATIENCE_MS,
  startNodes,
  type TestNode,
} from "../agent/nodes.js";
import type { RouteTable } from "../../src/lib/routing/table.js";
import { Random } from "./random.js";
import { WriteRecord, Writers } from "./writers.js";

const SEED = Number(process.env["OPS_SEED"] ?? Math.floor(Math.random() * 1e9));
/** In half of the seeds every link crosses regions, and of a key only the last value within this time is sent, ms. */
const WINDOW_MS = SEED % 2 === 0 ? 400 : 0;
/** In half of the seeds, with and without a window, a write is acknowledged once a follower has it too. Every node is a set of its own. */
const ACK = SEED % 4 < 2 ? "follower" : "local";
/** Nodes that are killed at the end, one after the other. */
const DEATHS = ACK === "follower" ? 2 : 0;
const ROUNDS = Number(process.env["OPS_ROUNDS"] ?? 8);
const DOMAIN = 1_000n;
/** The whole, then slices of it that were not cut before. */
const BOUNDS = [0, 10, 300, 650, 1_000];
const BUDGET_MS = 500;
/** How a takeover may end when somebody dies: nothing was changed, and the operator may try again. */
const HARMLESS = new Set(["not-ready", "aborted", "wrong-generation", "busy"]);

type Fault =
  | "none"
  | "kill source"
  | "kill target"
  | "kill both"
  | "kill bystander"
  | "freeze source"
  | "freeze target"
  | "cancel";
const FAULTS: readonly Fault[] = [
  "none",
  "kill source",
  "kill source",
  "kill target",
  "kill target",
  "kill both",
  "kill bystander",
  "freeze source",
  "freeze target",
  "cancel",
];

let nodes: Nodes;
const random = new Random(SEED);
const record = new WriteRecord();
const story: string[] = [];

beforeAll(async () => {
  process.stderr.write(
    `OPS_SEED=${SEED} OPS_ROUNDS=${ROUNDS}, ack ${ACK}, window ${WINDOW_MS} ms\n`,
  );
  nodes = await startNodes("a", "b", "c");
  await putRegions();
}, 180_000);
afterAll(async () => nodes.stop(), 180_000);

test(
  "nothing acknowledged is lost and nothing deleted comes back, whoever dies during takeovers",
  { timeout: 1_200_000 },
  async () => {
    const [a, b, c] = nodes.all as [TestNode, TestNode, TestNode];
    const whole = { lo: 0n, hi: DOMAIN };
    await a.must({ kind: "init", ...whole, sharding: "range" });
    const writers = new Writers({
      nodes: nodes.all,
      bounds: BOUNDS,
      random: new Random(SEED + 1),
      record,
      count: 6,
    });
    try {
      for (const node of [b, c]) {
        const link = { link: `l-${node.name}`, source: a.ref, bytesPerSecond: null };
        await node.must({
          kind: "link",
          ...whole,
          sharding: "range",
          purpose: node === b ? "move" : "replica",
          ...link,
        });
      }
      for (const node of [b, c]) {
        await node.must({ kind: "sync", ...whole, maxLagMs: 2_000 });
        await node.must({ kind: "verify", ...whole });
      }
      for (let round = 1; round <= ROUNDS; round += 1) await takeOver(round);
      await settle();
      for (let death = 1; death <= DEATHS; death += 1) await bereave();
      await settle();
    } finally {
      await writers.stop();
    }
    await expectNothingLost();
  },
);

/** One takeover of a random slice to a random node, with something going wrong in the middle. */
async function takeOver(round: number): Promise<void> {
  const slice = random.below(BOUNDS.length - 1);
  const [lo, hi] = [BigInt(BOUNDS[slice]!), BigInt(BOUNDS[slice + 1]!)];
  const { owner, generation } = await ownerOf(lo, hi);
  const [target, bystander] = random.next() < 0.5 ? others(owner) : others(owner).toReversed();
  const fault = random.of(FAULTS);
  const delay = random.below(120);
  const pause = random.below(600);
  const line = `round ${round}: [${lo}, ${hi}) from ${owner.name} at ${generation} to ${target!.name}, ${fault} after ${delay} ms, for ${pause} ms`;
  story.push(line);
  await follow(target!, owner, lo, hi);
  const id = `takeover-${SEED}-${round}`;
  const asked = target!.run(
    { kind: "takeover", lo, hi, generation: generation + 1n, budgetMs: BUDGET_MS },
    id,
  );
  asked.catch(() => undefined);
  await sleep(delay);
  switch (fault) {
    case "none":
      break;
    case "kill source":
      await down([owner], pause);
      break;
    case "kill target":
      await down([target!], pause);
      break;
    case "kill both":
      await down([owner, target!], pause);
      break;
    case "kill bystander":
      await down([bystander!], pause);
      break;
    case "freeze source":
      await frozen(owner, pause * 3);
      break;
    case "freeze target":
      await frozen(target!, pause * 3);
      break;
    case "cancel": {
      const by = { scope: "keyspace/p", epoch: 1n, lineage: "test-lineage" };
      await target!.api.cancelOperation(id, by).catch((error: unknown) => {
        if (!(error instanceof AgentProblem)) throw error;
      });
      break;
    }
  }
  const { state, error, result } = await asked;
  story.push(`  ${state} ${JSON.stringify(error ?? result, decimal)}`);
  if (state === "failed" && !HARMLESS.has(error?.code ?? ""))
    record.violate(`${line}: ${JSON.stringify(error)}`);
  const after = await ownerOf(lo, hi);
  if (state === "succeeded" && after.owner !== target)
    record.violate(`${line}: succeeded, but ${after.owner.name} reigns`);
  // As the CLI does: the other copy follows the new primary. It needs no new copy for that.
  await follow(bystander!, after.owner, lo, hi);
}

test(
  "a source that was frozen over the whole of a takeover takes no write when it goes on",
  { timeout: 300_000 },
  async () => {
    const [lo, hi] = [BigInt(BOUNDS[1]!), BigInt(BOUNDS[2]!)];
    const { owner, generation } = await ownerOf(lo, hi);
    const [target] = others(owner);
    await follow(target!, owner, lo, hi);
    const key = `${lo}/frozen`;
    await owner.insist(key, "before");
    const asked = target!.run({
      kind: "takeover",
      lo,
      hi,
      generation: generation + 1n,
      budgetMs: BUDGET_MS,
    });
    process.kill(nodes.pid(owner), "SIGSTOP");
    const late = owner.data(key, { method: "PUT", body: "late" });
    try {
      await sleep(BUDGET_MS * 3);
    } finally {
      process.kill(nodes.pid(owner), "SIGCONT");
    }
    const { state } = await asked;
    const answer = await late;
    const text = await answer.text();
    const after = await ownerOf(lo, hi);
    expect(["succeeded", "failed"]).toContain(state);
    expect(after.owner.name).toBe(state === "succeeded" ? target!.name : owner.name);
    // Either it was accepted while the old writer still reigned, and then it is there, or it was refused, and then it is not.
    const found = await (await after.owner.data(key)).text();
    if (answer.status === 204) expect(found).toBe("late");
    else if (answer.status === 504) expect(["before", "late"]).toContain(found);
    else {
      expect([421, 503]).toContain(answer.status);
      expect(text).toMatch(/wrong-node|moving|no-follower/);
      expect(found).toBe("before");
    }
    await after.owner.insist(key, "after");
    for (const node of others(after.owner)) await follow(node, after.owner, lo, hi);
  },
);

/** A region for each node. Nobody goes by the rest of the routes. */
async function putRegions(): Promise<void> {
  const whole = { lo: 0n, hi: DOMAIN };
  const places = nodes.all.map(({ name, url }) => [name, { url, region: name, set: name }]);
  const table: RouteTable = {
    keyspace: "p",
    sharding: "range",
    domain: whole,
    version: 1,
    settings: { ack: ACK, syncWindowMs: WINDOW_MS },
    nodes: Object.fromEntries(places) as RouteTable["nodes"],
    segments: [{ ...whole, shard: "p0", writer: "a", generation: 1n, readers: [] }],
  };
  for (const { api } of nodes.all) await api.putRoutes(table, authority);
}

/** One follower dies, then the other, then the writer: what was acknowledged is on one of the followers. */
async function bereave(): Promise<void> {
  const owners = new Map<number, TestNode>();
  for (const [slice, lo] of BOUNDS.slice(0, -1).entries())
    owners.set(slice, (await ownerOf(BigInt(lo), BigInt(BOUNDS[slice + 1]!))).owner);
  const dead = owners.get(random.below(owners.size))!;
  const followers = random.next() < 0.5 ? others(dead) : others(dead).toReversed();
  const isOrphan = (uid: number) => owners.get(BOUNDS.findLastIndex((lo) => lo <= uid)) === dead;
  for (const node of [...followers, dead]) {
    await nodes.kill9(node);
    await sleep(random.below(400));
  }
  await Promise.all(followers.map(async (node) => nodes.restart(node)));
  const lost: string[] = [];
  let checked = 0;
  for (const [key, known] of record.keys) {
    if (known.acked === null || !isOrphan(Number(key.split("/")[0]))) continue;
    const values = await Promise.all(followers.map(async (node) => valueAt(node, key)));
    checked += 1;
    if (!values.some((value) => value !== undefined && record.allows(key, value)))
      lost.push(
        `${key} is ${JSON.stringify(values)}, acknowledged was ${String(known.acked.value)}`,
      );
  }
  story.push(
    `${followers.map(({ name }) => name).join(", ")} and ${dead.name} die: ${checked} acknowledged keys looked for`,
  );
  for (const what of lost) record.violate(`${dead.name} is dead: ${what}`);
  await nodes.restart(dead);
}

/** What a node shows, however stale; undefined where it shows nothing. */
async function valueAt(node: TestNode, key: string): Promise<string | null | undefined> {
  const answer = await node.data(key);
  const text = await answer.text();
  if (answer.status === 200) return text;
  return answer.status === 404 && text.includes("not-found") ? null : undefined;
}

function others(owner: TestNode): TestNode[] {
  return nodes.all.filter((node) => node !== owner);
}

async function down(victims: readonly TestNode[], ms: number): Promise<void> {
  await Promise.all(victims.map(async (node) => nodes.kill9(node)));
  await sleep(ms);
  await Promise.all(victims.map(async (node) => nodes.restart(node)));
}

async function frozen(node: TestNode, ms: number): Promise<void> {
  process.kill(nodes.pid(node), "SIGSTOP");
  try {
    await sleep(ms);
  } finally {
    process.kill(nodes.pid(node), "SIGCONT");
  }
}

/** The parts of each node's entries that lie in `[lo, hi)`. */
async function parts(node: TestNode, lo: bigint, hi: bigint): Promise<EntryStatus[]> {
  return (await node.entries()).filter((entry) => entry.lo < hi && entry.hi > lo);
}

/** Who reigns over the whole slice, once that is settled. */
async function ownerOf(lo: bigint, hi: bigint): Promise<{ owner: TestNode; generation: bigint }> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const held = await Promise.all(
      nodes.all.map(async (node) => ({ node, of: await parts(node, lo, hi).catch(() => null) })),
    );
    const reigning = held.filter(
      ({ of }) =>
        of !== null &&
        of.length > 0 &&
        of.every(({ role, phase }) => role === "primary" && phase === "idle"),
    );
    const settled = held.every(
      ({ of }) =>
        of !== null && of.every(({ role, phase }) => role !== "claiming" && phase === "idle"),
    );
    if (settled && reigning.length === 1)
      return { owner: reigning[0]!.node, generation: reigning[0]!.of![0]!.generation };
    if (performance.now() > until) {
      const seen = held.map(({ node, of }) => ({
        node: node.name,
        of: of?.map(({ lo, hi, role, phase, generation, handed, link }) => ({
          lo,
          hi,
          role,
          phase,
          generation,
          handed,
          link: link && { phase: link.phase, error: link.error },
        })),
      }));
      throw new Error(
        `seed ${SEED}: nobody reigns over [${lo}, ${hi}):\n${JSON.stringify(seen, decimal)}\n${story.join("\n")}`,
      );
    }
    await sleep(100);
  }
}

/** As the CLI does after a takeover: the copy goes on from where it is, at the new primary. */
async function follow(node: TestNode, owner: TestNode, lo: bigint, hi: bigint): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const held = await parts(node, lo, hi).catch(() => []);
    if (held.length > 0 && held.every(({ source }) => source?.node === owner.name)) return;
    const { state, error } = await node.run({ kind: "repoint", lo, hi, source: owner.ref });
    if (state === "succeeded") return;
    // A claim that its source has not answered yet.
    if (!["busy", "not-follower"].includes(error?.code ?? "") || performance.now() > until) {
      throw new Error(
        `seed ${SEED}: ${node.name} does not follow ${owner.name} on [${lo}, ${hi}): ${JSON.stringify(error)}\n${JSON.stringify(held, decimal)}\n${story.join("\n")}`,
      );
    }
    await sleep(100);
  }
}

/** Everybody is up, one node reigns over each slice and takes writes there, the others follow it and equal it. */
async function settle(): Promise<void> {
  for (let slice = 0; slice + 1 < BOUNDS.length; slice += 1) {
    const [lo, hi] = [BigInt(BOUNDS[slice]!), BigInt(BOUNDS[slice + 1]!)];
    const { owner } = await ownerOf(lo, hi);
    for (const node of others(owner)) await follow(node, owner, lo, hi);
    await owner.insist(`${lo}/settled`, "writable");
  }
  for (const node of nodes.all) {
    const held = await node.entries();
    // Nobody has lost a part of the keyspace.
    expect(held[0]!.lo).toBe(0n);
    expect(held.at(-1)!.hi).toBe(DOMAIN);
    for (const [i, { lo }] of held.entries()) if (i > 0) expect(lo).toBe(held[i - 1]!.hi);
    // A copy is cut only where somebody took over.
    for (const { lo, hi } of held.filter(({ role }) => role === "follower")) {
      await node.must({ kind: "sync", lo, hi, maxLagMs: 5_000 });
      const { state, error } = await node.run({ kind: "verify", lo, hi });
      // Noted, not thrown: what was lost is told by the check of every write.
      if (state !== "succeeded") record.violate(`${node.name}: ${JSON.stringify(error)}`);
    }
  }
}

async function expectNothingLost(): Promise<void> {
  const wrong: string[] = [];
  for (let slice = 0; slice + 1 < BOUNDS.length; slice += 1) {
    const [lo, hi] = [BOUNDS[slice]!, BOUNDS[slice + 1]!];
    const { owner } = await ownerOf(BigInt(lo), BigInt(hi));
    const stored = await (
      await fetch(`${owner.url}/v1/data/p?from=${lo}&to=${hi}&limit=10000`)
    ).text();
    const rows = stored
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { key?: string; value?: string; next?: null });
    expect(rows.at(-1)).toEqual({ next: null });
    const found = new Map(
      rows.slice(0, -1).map(({ key, value }) => [key!, Buffer.from(value!, "base64").toString()]),
    );
    for (const [key, known] of record.keys) {
      const uid = Number(key.split("/")[0]);
      if (uid < lo || uid >= hi) continue;
      const value = found.get(key) ?? null;
      if (!record.allows(key, value))
        wrong.push(
          `${key} is ${String(value)} at ${owner.name}, expected ${JSON.stringify(known)}`,
        );
    }
  }
  process.stderr.write(
    `${story.join("\n")}\n${record.acknowledged} acknowledged, ${record.unanswered} unanswered, ${record.keys.size} keys\n`,
  );
  expect(wrong).toEqual([]);
  expect(record.violations).toEqual([]);
  expect(record.acknowledged).toBeGreaterThan(50);
}
