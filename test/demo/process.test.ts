import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockDirectory } from "../../src/lib/demo/cluster-state.js";
import { ended, isAlive, signal, startTimeOf, stopProcess } from "../../src/lib/demo/process.js";

function sleeper(): { pid: number; startTime: string } {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  return { pid: child.pid!, startTime: startTimeOf(child.pid!)! };
}

test("a process is told by its start time, so a later one with its pid is left alone", async () => {
  const mine = sleeper();
  const another = { pid: mine.pid, startTime: "some other time" };
  expect(isAlive(mine)).toBe(true);
  expect(isAlive(another)).toBe(false);
  signal(another, "SIGKILL");
  expect(await ended(mine, 50)).toBe(false);
  await stopProcess(mine, 2_000);
  expect(isAlive(mine)).toBe(false);
});

test("processes under watch die with their parent, also when it is killed", async () => {
  const script = `
    const { Watchdog } = await import(${JSON.stringify(new URL("../../dist/lib/demo/watchdog.js", import.meta.url).href)});
    const { spawn } = await import("node:child_process");
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore", detached: true });
    new Watchdog().watch([child.pid]);
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  const child = { pid, startTime: startTimeOf(pid)! };
  expect(isAlive(child)).toBe(true);
  parent.kill("SIGKILL");
  expect(await ended(child, 5_000)).toBe(true);
});

test("a directory is worked on by one command at a time; a dead one does not keep it", async () => {
  const dir = await mkdtemp(join(tmpdir(), "ops-lock-"));
  try {
    const release = lockDirectory(dir);
    expect(() => lockDirectory(dir)).toThrow(/works on/);
    release();
    lockDirectory(dir)();
    const dead = sleeper();
    await stopProcess(dead, 2_000);
    const { writeFile } = await import("node:fs/promises");
    await writeFile(join(dir, "dev.lock"), JSON.stringify(dead));
    const again = lockDirectory(dir);
    expect(JSON.parse(await readFile(join(dir, "dev.lock"), "utf8"))).toMatchObject({
      pid: process.pid,
    });
    again();
  } finally {
    await rm(dir, { recursive: true });
  }
});
