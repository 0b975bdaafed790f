import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodePlan } from "../../src/lib/plan/encode.js";
import { findRun } from "../../src/lib/run/find-run.js";
import { Journal, readHistory } from "../../src/lib/run/journal/journal.js";
import { listRuns, showRun } from "../../src/lib/run/runs.js";
import { assertReversible } from "../../src/lib/run/way-back.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import { ops } from "../cli/sandbox.js";
import { ENDING } from "./executions.js";

const PLANS = join(import.meta.dirname, "../../fixtures/plans");

let directory: string;
let store: FileStateStore;
/** The text of a plan for the keyspace `profile`. */
let text: string;
const placeOf = (run: string) => join(store.where, "runs", run);
const journalOf = (run: string) => join(placeOf(run), "journal.ndjson");

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ops-damaged-"));
  store = new FileStateStore(directory);
  text = await readFile(join(PLANS, "split-shard/expected.json"), "utf8");
  await applied("r-1");
});
afterEach(() => rm(directory, { recursive: true }));

/** A run of another plan that ended well. */
async function applied(run: string): Promise<void> {
  await store.createRun(run, text);
  const journal = await Journal.open(store, run, Date.now);
  await journal.append({ ...ENDING, run });
  for (const { id: stage, waves } of ENDING.stages) {
    await journal.append({ type: "stage.enter", stage });
    for (const step of waves.flat()) await journal.append({ type: "step.done", step });
    await journal.append({ type: "stage.done", stage });
  }
  await journal.append({ type: "run.end", outcome: "applied", why: null });
  await journal.close();
}

describe("a run that never began", () => {
  beforeEach(async () => {
    await mkdir(placeOf("r-2"));
    await mkdir(placeOf("r-3"));
    await writeFile(join(placeOf("r-3"), "plan.json"), text);
    await store.createRun("r-4", text);
    await store.createRun("r-5", text);
    await writeFile(journalOf("r-5"), '{"seq":1,"time":"2026-11-');
  });

  it("is in nobody's way, and is listed with what to do", async () => {
    const { runs, damaged } = await listRuns(store);
    expect(runs).toMatchObject([{ run: "r-1", outcome: "applied" }]);
    expect(damaged.map(({ run }) => run)).toEqual(["r-2", "r-3", "r-4", "r-5"]);
    for (const { run, why, todo } of damaged)
      expect([why, todo]).toEqual([
        "it never began: its journal is empty, no agent was asked for anything",
        `remove ${placeOf(run)}`,
      ]);
    expect(await findRun(store, decodePlan(text, "plan"))).toEqual({ what: "new" });
    expect(await showRun(store, "r-1")).toMatchObject({ outcome: "applied" });
  });

  it("is said to have never begun when it is asked for", async () => {
    for (const run of ["r-2", "r-3", "r-4", "r-5"])
      await expect(showRun(store, run)).rejects.toMatchObject({ code: "never-began", exit: 3 });
  });

  it("is not damaged while a process is just making it", async () => {
    const lease = await store.acquire(["keyspace/profile"], { run: "r-4", actor: "a", now: 0 });
    const { damaged } = await listRuns(store);
    expect(damaged.map(({ run }) => run)).toEqual(["r-2", "r-3", "r-5"]);
    await lease.release();
  });
});

describe("a run whose journal cannot be read", () => {
  const damages: [name: string, damage: (run: string) => Promise<void>][] = [
    [
      "because a line in its middle was changed",
      async (run) => {
        const lines = await readFile(journalOf(run), "utf8");
        await writeFile(journalOf(run), lines.replace("alice", "mallory"));
      },
    ],
    [
      "because it is no file",
      async (run) => {
        await rm(journalOf(run));
        await mkdir(journalOf(run));
      },
    ],
  ];

  it.each(damages)("%s keeps to itself, and is not built upon", async (_name, damage) => {
    await applied("r-2");
    await damage("r-2");
    const { runs, damaged } = await listRuns(store);
    expect(runs.map(({ run }) => run)).toEqual(["r-1"]);
    expect(damaged).toMatchObject([{ run: "r-2", scopes: ["keyspace/profile"] }]);
    expect(damaged[0]!.why).toContain("its journal cannot be read: ");
    expect(damaged[0]!.todo).toContain(`restore ${placeOf("r-2")} from a copy`);
    const plan = decodePlan(text, "plan");
    await expect(findRun(store, plan)).rejects.toMatchObject({ code: "damaged-run", exit: 3 });
    const other = { ...plan, scopes: ["keyspace/status"] };
    expect(await findRun(store, other)).toEqual({ what: "new" });
    // It came later: what r-1 made may be in use by it.
    const { status } = await readHistory(store, "r-1");
    await expect(assertReversible(store, status!)).rejects.toMatchObject({ code: "damaged-run" });
  });

  it("nor its plan may be of any keyspace", async () => {
    await applied("r-0");
    await damages[0]![1]("r-0");
    await writeFile(join(placeOf("r-0"), "plan.json"), "{");
    const other = { ...decodePlan(text, "plan"), scopes: ["keyspace/status"] };
    await expect(findRun(store, other)).rejects.toMatchObject({
      code: "damaged-run",
      message: expect.stringContaining("run r-0 of keyspaces that are not known"),
    });
    // It came before.
    const { status } = await readHistory(store, "r-1");
    await assertReversible(store, status!);
  });

  it("is listed for people within 80 columns", async () => {
    await applied("r-2");
    await damages[0]![1]("r-2");
    const { code, stdout } = ops(["run", "list"], { OPS_STATE: directory });
    expect(code).toBe(0);
    expect(stdout).toContain("r-1  applied");
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(
      `r-2 damaged: its journal cannot be read: journal of r-2, line 1: its checksum does not match its text next restore ${placeOf("r-2")}`,
    );
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });
});

it("lists runs that began in one second in the order in which they did", async () => {
  await applied("r-20261122-153012-ffff");
  await applied("r-20261122-153012-0000");
  const { runs } = await listRuns(store);
  expect(runs.map(({ run }) => run)).toEqual([
    "r-1",
    "r-20261122-153012-ffff",
    "r-20261122-153012-0000",
  ]);
});
