import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

  it("creates nothing when it is only read", async () => {
    expect(await store.runs()).toEqual([]);
    expect(await store.holders()).toEqual([]);
    expect(await store.routes("profile")).toBeNull();
    expect(await store.routedKeyspaces()).toEqual([]);
    expect(await readdir(directory)).toEqual([]);
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
    await expect(store.createRun("r-1", "again")).rejects.toThrow("EEXIST");
    expect(await store.plan("r-1")).toBe("plan one");
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
