import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isAlive, thisProcess } from "../../src/lib/state/file/process.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";

const STORE = resolve(import.meta.dirname, "../../dist/lib/state/file/store.js");
const SCOPE = "keyspace/profile";

let directory: string;
let store: FileStateStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ops-lock-"));
  store = new FileStateStore(directory);
});
afterEach(() => rm(directory, { recursive: true }));

function request(run: string) {
  return { run, actor: "alice@host", now: Date.parse("2026-11-22T12:00:00Z") };
}

async function holder(
  rounds: number,
  how = "",
): Promise<{ epochs: bigint[]; notes: number; stderr: string; code: number | null }> {
  const script = resolve(import.meta.dirname, "holder.js");
  const child = spawn(process.execPath, [script, STORE, directory, SCOPE, String(rounds), how]);
  const [out, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  const lines = out
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { epoch: string; notes: number });
  return {
    epochs: lines.map(({ epoch }) => BigInt(epoch)),
    notes: lines.reduce((sum, { notes }) => sum + notes, 0),
    stderr,
    code: child.exitCode,
  };
}

describe("the lock of a scope", () => {
  it("raises the epoch by one each time it is taken", async () => {
    for (const epoch of [1n, 2n, 3n]) {
      const lease = await store.acquire([SCOPE], request("r-1"));
      expect(lease.epochs).toEqual({ [SCOPE]: epoch });
      await lease.release();
    }
  });

  it("names the holder and since when to those who come second, with exit code 5", async () => {
    const lease = await store.acquire([SCOPE], request("r-1"));
    const later = { run: "r-2", actor: "bob@host", now: Date.parse("2026-11-22T12:03:20Z") };
    await expect(store.acquire([SCOPE], later)).rejects.toMatchObject({
      code: "locked",
      exit: 5,
      message: expect.stringMatching(
        /keyspace\/profile is locked by run r-1 \(alice@host, process \d+ on .*\) .*for 3m 20s/,
      ),
      details: { run: "r-1", pid: process.pid, epoch: "1", seconds: 200, alive: "yes" },
    });
    expect(await store.holders()).toMatchObject([
      { scope: SCOPE, run: "r-1", alive: "yes", epoch: 1n },
    ]);
    await lease.release();
    expect(await store.holders()).toEqual([]);
  });

  it("takes all scopes of a run or none", async () => {
    const lease = await store.acquire(["keyspace/b"], request("r-1"));
    await expect(
      store.acquire(["keyspace/c", "keyspace/a", "keyspace/b"], request("r-2")),
    ).rejects.toMatchObject({ code: "locked" });
    expect((await store.holders()).map(({ scope }) => scope)).toEqual(["keyspace/b"]);
    await lease.release();
  });

  it("lets scopes be held by different runs at once", async () => {
    const shards = await store.acquire([SCOPE], request("r-1"));
    const mask = await store.acquire(["schedule"], request("r-2"));
    expect((await store.holders()).map(({ run }) => run).sort()).toEqual(["r-1", "r-2"]);
    await shards.release();
    await mask.release();
  });

  it("is freed by force for the next one, whose epoch is higher", async () => {
    await store.acquire([SCOPE], request("r-1"));
    expect(await store.breakLock(SCOPE)).toMatchObject({ run: "r-1" });
    expect(await store.breakLock(SCOPE)).toBeNull();
    const next = await store.acquire([SCOPE], request("r-2"));
    expect(next.epochs[SCOPE]).toBe(2n);
  });

  it("tells its holder that somebody wants it to stop, and no holder after that", async () => {
    const by = { actor: "bob@host", command: "ops region evacuate sh" };
    expect(await store.askToStop(SCOPE, 1n, by)).toBe(false);
    const lease = await store.acquire(["keyspace/other", SCOPE], request("r-1"));
    expect(await lease.stopRequest()).toBeNull();
    expect(await store.askToStop(SCOPE, 1n, by)).toBe(true);
    expect(await store.askToStop(SCOPE, 1n, { ...by, actor: "carol@host" })).toBe(true);
    expect(await lease.stopRequest()).toEqual(by);
    await lease.release();
    const next = await store.acquire([SCOPE], request("r-2"));
    // Who asks late did not mean whoever holds it now.
    expect(await store.askToStop(SCOPE, 1n, by)).toBe(false);
    expect(await next.stopRequest()).toBeNull();
    await next.release();
  });

  it("is never held by two processes at once, and never gives an epoch twice", async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => holder(15)));
    expect(all.map(({ stderr }) => stderr).join("")).toBe("");
    const epochs = all.flatMap((one) => one.epochs).sort((a, b) => Number(a - b));
    expect(epochs).toEqual(Array.from({ length: 60 }, (_, i) => BigInt(i + 1)));
  });

  it("goes from a killed process to exactly one of those who want it", async () => {
    for (let round = 0; round < 3; round += 1) {
      await holder(1, "die");
      expect(await store.holders()).toMatchObject([{ alive: "no" }]);
      const takers = await Promise.all([holder(1), holder(1), holder(1)]);
      expect(takers.map(({ stderr }) => stderr).join("")).toBe("");
      // One found the dead lock and says so; the others came after it.
      expect(takers.map(({ notes }) => notes).sort((a, b) => a - b)).toEqual([0, 0, 1]);
    }
    const epochs = (await store.acquire([SCOPE], request("r-1"))).epochs;
    expect(epochs[SCOPE]).toBe(13n);
  });
});

describe("whether a process is alive", () => {
  const self = thisProcess();

  it("is told by its start, not by its pid alone", () => {
    expect(isAlive(self, self)).toBe("yes");
    expect(isAlive({ ...self, started: "1" }, self)).toBe(self.started === null ? "yes" : "no");
    expect(isAlive({ ...self, pid: 2 ** 22 + 1, started: null }, self)).toBe("no");
  });

  it("is unknown from another machine or another pid namespace", () => {
    expect(isAlive({ ...self, host: "elsewhere" }, self)).toBe("unknown");
    expect(isAlive({ ...self, machine: "another" }, self)).toBe("unknown");
    expect(isAlive({ ...self, pidSpace: "pid:[1]" }, self)).toBe("unknown");
  });

  it("is no after a reboot of the same machine", () => {
    expect(
      isAlive({ ...self, machine: "m", boot: "earlier" }, { ...self, machine: "m", boot: "now" }),
    ).toBe("no");
    expect(
      isAlive({ ...self, machine: null, boot: "earlier" }, { ...self, machine: null, boot: "now" }),
    ).toBe("unknown");
  });
});
