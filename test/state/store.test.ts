import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileStateStore } from "../../src/lib/state/file/store.js";

let directory: string;
let store: FileStateStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ops-state-"));
  store = new FileStateStore(join(directory, "deep", ".ops"));
});
afterEach(() => rm(directory, { recursive: true }));

describe("the file state store", () => {
  it("makes its lineage once, also when two ask at once", async () => {
    const other = new FileStateStore(store.where);
    const [a, b] = await Promise.all([store.lineage(), other.lineage()]);
    expect(a).toMatch(/^[0-9a-f]{32}$/);
    expect(b).toBe(a);
    expect(await new FileStateStore(store.where).lineage()).toBe(a);
  });

  it.each(["", "junk\n", "0".repeat(31), `${"0".repeat(32)} and more`])(
    "takes no lock where its lineage is junk: %j",
    async (junk) => {
      await mkdir(store.where, { recursive: true });
      await writeFile(join(store.where, "lineage"), junk);
      const taking = store.acquire(["keyspace/a"], { run: "r-1", actor: "a", now: 0 });
      await expect(taking).rejects.toMatchObject({ code: "bad-state", exit: 1 });
      await expect(taking).rejects.toThrow(join(store.where, "lineage"));
      expect(await readdir(store.where)).toEqual(["lineage"]);
    },
  );

  it("creates nothing when it is only read", async () => {
    expect(await store.runs()).toEqual([]);
    expect(await store.holders()).toEqual([]);
    expect(await store.routes("profile")).toBeNull();
    expect(await store.routedKeyspaces()).toEqual([]);
    expect(await readdir(directory)).toEqual([]);
  });

  it("says so when its lineage is none, before an agent is asked with it", async () => {
    await store.lineage();
    await writeFile(join(store.where, "lineage"), "junk\n");
    await expect(store.lineage()).rejects.toMatchObject({ code: "bad-state", exit: 1 });
  });

  it("says so when its place is a file", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    await expect(new FileStateStore(file).runs()).rejects.toMatchObject({
      code: "bad-state",
      exit: 64,
    });
  });

  it("keeps the newest route table and refuses an older one, or another of the same version", async () => {
    await store.putRoutes("a/b", { version: 2, text: "two" });
    await store.putRoutes("a/b", { version: 2, text: "two" });
    await expect(store.putRoutes("a/b", { version: 1, text: "one" })).rejects.toMatchObject({
      code: "stale-routes",
    });
    await expect(store.putRoutes("a/b", { version: 2, text: "other" })).rejects.toMatchObject({
      code: "stale-routes",
    });
    await store.putRoutes("a/b", { version: 3, text: "three" });
    expect(await store.routes("a/b")).toEqual({ version: 3, text: "three" });
    expect(await store.routedKeyspaces()).toEqual(["a/b"]);
  });

  it("says so when a stored table is damaged", async () => {
    await store.putRoutes("profile", { version: 1, text: "{}" });
    await writeFile(join(store.where, "routes", "profile.json"), "{");
    await expect(store.routes("profile")).rejects.toMatchObject({ code: "bad-routes" });
  });

  it("keeps runs with their plans, and does not make a run twice", async () => {
    await store.createRun("r-2", "plan two");
    await store.createRun("r-1", "plan one");
    expect(await store.runs()).toEqual(["r-1", "r-2"]);
    expect(await store.plan("r-2")).toBe("plan two");
    await expect(store.createRun("r-1", "again")).rejects.toThrow("ENOTEMPTY");
    expect(await store.plan("r-1")).toBe("plan one");
    expect(await readdir(join(store.where, "runs"))).toEqual(["r-1", "r-2"]);
  });

  it("makes a run whole or not at all, also when its process is killed or the disk is full", async () => {
    let made: string[] = [];
    for (let kills = 0; kills < 5; kills += 1) {
      const { child, lines, ended } = makeRuns({ planBytes: 1_000 });
      child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), 20 + 7 * kills));
      await ended;
      made = [...made, ...lines()];
    }
    const runs = await store.runs();
    expect(made.length).toBeGreaterThan(5);
    for (const run of made) expect(runs).toContain(run);
    for (const run of runs) {
      expect(await store.plan(run)).toHaveLength(1_000);
      await (await store.openJournal(run)).close();
    }
    const full = makeRuns({ planBytes: 2_000_000, limitKiB: 1_000 });
    await full.ended;
    expect(full.lines()).toEqual(["EFBIG"]);
    expect(await store.runs()).toEqual(runs);
  });

  it("forgets what was left of runs that were never whole, once it is old", async () => {
    await store.createRun("r-1", "plan");
    const runs = join(store.where, "runs");
    const drafts = ["old", "new"].map((name) => join(runs, `.r-2.${name}`));
    for (const draft of drafts) await mkdir(draft);
    await writeFile(join(drafts[0]!, "plan.json"), "pl");
    const yesterday = Date.now() / 1_000 - 86_400;
    await utimes(drafts[0]!, yesterday, yesterday);
    expect(await store.runs()).toEqual(["r-1"]);
    await store.createRun("r-3", "plan");
    expect(await readdir(runs)).toEqual([".r-2.new", "r-1", "r-3"]);
  });

  it("has no journal of a run that was made by halves, and says what its plan lacks", async () => {
    await mkdir(join(store.where, "runs", "r-1"), { recursive: true });
    expect(await store.runs()).toEqual(["r-1"]);
    expect(await store.readJournal("r-1")).toHaveLength(0);
    for (const read of [() => store.plan("r-1"), () => store.openJournal("r-1")])
      await expect(read()).rejects.toMatchObject({ code: "damaged-run", exit: 1 });
  });

  it("does not let a run's name lead out of its directory", async () => {
    await store.createRun("r-1", "plan");
    for (const name of ["../../etc", "r-1/../r-1", "", "r-", "r-1\0", "nope"]) {
      await expect(store.plan(name)).rejects.toMatchObject({ code: "no-such-run", exit: 64 });
      await expect(store.readJournal(name)).rejects.toMatchObject({
        code: "no-such-run",
        exit: 64,
      });
      await expect(store.openJournal(name)).rejects.toMatchObject({
        code: "no-such-run",
        exit: 64,
      });
    }
  });
});

/** A process that makes runs, each with a plan of so many bytes; `limitKiB`: no file may be larger. */
function makeRuns({ planBytes, limitKiB }: { planBytes: number; limitKiB?: number }) {
  const maker = resolve(import.meta.dirname, "run-maker.js");
  const dist = resolve(import.meta.dirname, "../../dist/lib");
  const limit = limitKiB === undefined ? "" : `ulimit -f ${limitKiB}; `;
  const child = spawn("bash", [
    "-c",
    `${limit}exec "$@"`,
    "bash",
    process.execPath,
    maker,
    dist,
    store.where,
    String(planBytes),
  ]);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const lines = () => text.split("\n").slice(0, -1);
  return { child, lines, ended: once(child, "close") };
}
