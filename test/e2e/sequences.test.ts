import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { EntryStatus } from "../../src/lib/agent/protocol/node.js";
import { overlaps, subtract } from "../../src/lib/keyspace/map.js";
import { readHistory } from "../../src/lib/run/journal/journal.js";
import { type RunStatus, wholeStages } from "../../src/lib/run/journal/status.js";
import { readPlan } from "../../src/lib/run/read-plan.js";
import type { RouteTable } from "../../src/lib/routing/table.js";
import { listRuns } from "../../src/lib/run/runs.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import { Random } from "../faults/random.js";
import { KEYSPACE, withAgent } from "./another-ops.js";
import { BUSY, Expansion } from "./expansion.js";
import type { Ended, KillAt } from "./ops-process.js";

const SEED = Number(process.env["OPS_SEED"] ?? Math.floor(Math.random() * 1e9));
const COMMANDS = Number(process.env["OPS_COMMANDS"] ?? 10);
const LONG_MS = 1_800_000;
const DOMAIN = { lo: 0n, hi: 4_000n };
const MOVED = { lo: 2_000n, hi: 3_600n };
/** Everybody is up: what a takeover left open is resolved by the nodes themselves. */
const SETTLED_WITHIN_MS = 60_000;
/** Appends of a command before it is killed. */
const KILLED_WITHIN = 30;
/** Else it is killed at the first of one of these. An intent that nothing came of is half of them: nobody else knows of it. */
const KILLED_AT = [
  "routes.intent",
  "routes.intent",
  "routes.intent",
  "op.intent",
  "op.intent",
  "routes.published",
  "op.done",
  "evidence",
  "step.done",
  "step.undone",
] as const;
/** Commands of a round; then the run has to be brought to an end. */
const ROUND = 5;

const random = new Random(SEED);
const story: string[] = [];
let expansion: Expansion;
let store: FileStateStore;
let stages: readonly string[];
let run: string | null = null;

beforeAll(async () => {
  process.stderr.write(`OPS_SEED=${SEED} OPS_COMMANDS=${COMMANDS}\n`);
  const users = new Random(SEED + 1);
  expansion = await Expansion.start({}, () => users.next());
  store = new FileStateStore(expansion.state);
  stages = (await readPlan(expansion.plan)).stages
    .filter(({ kind }) => kind !== "retire")
    .map(({ id }) => id);
  expansion.open(BUSY);
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

it(
  "a run can be led forward and back in any order, and killed anywhere: it says what is so, loses nothing, and comes to its end",
  async () => {
    try {
      for (let left = COMMANDS; left > 0; left -= ROUND) {
        for (let i = 0; i < Math.min(ROUND, left); i += 1) {
          await typed(anyCommand(await statusOf(run)), random.next() < 0.6 ? somewhere() : 0);
          await expectSound();
        }
        await bringToItsEnd(left <= ROUND && random.next() < 0.5);
        const { wrong, acked, checked } = await expansion.verdict();
        expect(wrong).toEqual([]);
        expect(checked).toBe(acked);
        if (left > ROUND) expansion.open(BUSY);
      }
    } finally {
      process.stderr.write(`${story.join("\n")}\n`);
    }
  },
  LONG_MS,
);

function somewhere(): KillAt {
  return random.next() < 0.4 ? 1 + random.below(KILLED_WITHIN) : random.of(KILLED_AT);
}

function anyCommand(status: RunStatus | null): string[] {
  const apply = ["shard", "apply", expansion.plan, "--yes"];
  const until = [...apply, "--until", random.of(stages)];
  if (run === null || (status?.activity === "ended" && random.next() < 0.8)) return until;
  const back = ["shard", "rollback", run, "--yes"];
  // Also those that an interrupted rollback has undone.
  const done = [...(status?.stagesDone ?? [])];
  const to = [...back, "--to", random.of(done.length > 0 && random.next() < 0.8 ? done : stages)];
  const toBeforeCopies = [...back, "--to", stages[0]!];
  return random.of([apply, until, until, ["run", "resume", run], back, to, to, toBeforeCopies]);
}

/** Types a command; unless it was killed, it has to end as one would expect of how the run stood. */
async function typed(args: readonly string[], killAt: KillAt): Promise<Ended> {
  const before = await statusOf(run);
  const end = await expansion.ops(args, killAt);
  const told = outcomeOf(end);
  const at = killAt === 0 ? "" : ` (killed at ${killAt})`;
  story.push(
    `${args.join(" ").replace(expansion.plan, "PLAN")}${at}: ${told} ${end.stderr}`.trim(),
  );
  // The first one is the run of the first plan.
  run = (await listRuns(store)).runs.slice(1).at(-1)?.run ?? null;
  if (told !== "killed") expect(outcomesOf(args, before)).toContain(told);
  if (told.startsWith("refused")) expect((await statusOf(run))!.seq).toBe(before!.seq);
  return end;
}

function outcomeOf({ code, signal, json }: Ended): string {
  if (signal === "SIGKILL") return "killed";
  if (code === 0) return "done";
  const error = (json["error"] ?? {}) as { code?: string; message?: string };
  const what = code === 3 ? "refused" : `exit ${String(code)}`;
  return `${what}: ${String(error.code)}`;
}

/** How a command may end. */
function outcomesOf(args: readonly string[], before: RunStatus | null): string[] {
  const [, verb] = args;
  const to = args.indexOf("--to");
  const goesBack = before !== null && before.activity !== "ended" && before.direction === "undo";
  if (verb === "apply") return goesBack ? ["refused: unfinished-run"] : ["done"];
  if (verb !== "rollback" || to === -1 || before === null || before.activity === "ended")
    return ["done"];
  const stage = args[to + 1]!;
  if (wholeStages(before).some(({ id }) => id === stage)) return ["done"];
  return ["refused: stage-undone", "refused: stage-not-done"];
}

/** From wherever it stands: back to the beginning, or through to the end. */
async function bringToItsEnd(finalized: boolean): Promise<void> {
  const status = await statusOf(run);
  const isOpen = status !== null && status.activity !== "ended";
  if (finalized) {
    if (isOpen && status.direction === "undo") await through("run", "resume", run!);
    await through("shard", "apply", expansion.plan, "--yes");
    await expectSound();
    await through("shard", "finalize", run!, "--yes", "--early");
    expect(await statusOf(run)).toMatchObject({ activity: "ended", outcome: "finalized" });
    const back = await expansion.ops(["shard", "rollback", run!, "--yes"]);
    expect(back).toMatchObject({ code: 3, json: { error: { code: "no-way-back" } } });
  } else if (run !== null) {
    await through("shard", "rollback", run, "--yes");
    expect(await statusOf(run)).toMatchObject({ activity: "ended", outcome: "rolled-back" });
    expect([...(await entriesOf("a2")), ...(await entriesOf("b2"))]).toEqual([]);
  }
  await expectSound();
}

/** The same command until it is through, killed twice before. */
async function through(...args: string[]): Promise<void> {
  for (let kills = 2; kills > 0; kills -= 1) {
    const { signal } = await typed(args, somewhere());
    if (signal === null) return;
    await expectSound();
  }
  await typed(args, 0);
}

async function statusOf(of: string | null): Promise<RunStatus | null> {
  return of === null ? null : (await readHistory(store, of)).status;
}

async function entriesOf(node: string): Promise<EntryStatus[]> {
  const { entries } = await withAgent(expansion, node, (agent) => agent.node());
  return entries.filter(({ keyspace }) => keyspace === KEYSPACE);
}

/** Wherever the run stands. */
async function expectSound(): Promise<void> {
  const nodes = Object.keys(expansion.cluster.urls);
  const tables = await Promise.all(nodes.map(tableOf));
  await expectOneWriter(nodes);
  const entries = await Promise.all(nodes.map(entriesOf));
  const readable = (node: string) =>
    entries[nodes.indexOf(node)]!.filter((entry) => entry.readable);
  // Whichever routes a client has, a reader has what it is read in. No agent takes a table that does not cover the domain.
  for (const { version, segments } of tables) {
    for (const segment of segments) {
      for (const { node, weight } of segment.readers) {
        const missing = weight > 0 ? subtract([segment], readable(node)) : [];
        expect(missing, `what ${node} lacks to be read by version ${version}`).toEqual([]);
      }
    }
  }
  const status = await statusOf(run);
  if (status === null || status.direction !== "apply" || status.activity === "ended") return;
  // What the run claims is so.
  const claims = (kind: string) => [...status.stagesDone].some((id) => id.endsWith(kind));
  for (const node of ["a2", "b2"]) {
    const verified = readable(node).filter(({ link }) => link === null || link.verified);
    if (claims("-attach")) expect(subtract([MOVED], readable(node))).toEqual([]);
    if (claims("-verify")) expect(subtract([MOVED], verified)).toEqual([]);
  }
  const writers = readable("a2").filter(({ role }) => role === "primary");
  if (claims("-promote-writes")) expect(subtract([MOVED], writers)).toEqual([]);
}

async function tableOf(node: string): Promise<RouteTable> {
  const { tables } = await withAgent(expansion, node, (agent) => agent.routes());
  return tables.find(({ keyspace }) => keyspace === KEYSPACE)!;
}

/** Every position has one writer, once what takeovers left open is resolved. */
async function expectOneWriter(nodes: readonly string[]): Promise<void> {
  const until = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const entries = (await Promise.all(nodes.map(entriesOf))).flat();
    const writers = entries.filter(({ role }) => role === "primary");
    const open = entries.filter(({ role, phase }) => role === "claiming" || phase !== "idle");
    const found = {
      nobody: subtract([DOMAIN], writers),
      twice: overlaps(writers),
      open: open.map(({ lo, hi, role, phase }) => ({ lo, hi, role, phase })),
    };
    if (Object.values(found).every((wrong) => wrong.length === 0)) return;
    if (performance.now() > until) expect(found).toEqual({ nobody: [], twice: [], open: [] });
    await sleep(50);
  }
}
