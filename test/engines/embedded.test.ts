import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Engine } from "../../src/lib/engines/contract.js";
import { placeOf, positionOf } from "../../src/lib/engines/place.js";
import { openEngine } from "../../src/lib/engines/registry.js";
import { requireTool } from "../setup/require.js";
import { type Bench, conformance, entryOf } from "./conformance.js";
import { flushFaults } from "./flush-order.js";

const WRITER = fileURLToPath(new URL("writer.js", import.meta.url));
const ALL = { lo: 0n, hi: 1n << 64n };

async function bench(): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), "setwise-engine-"));
  return {
    open: () => open(directory),
    remove: () => rm(directory, { recursive: true }),
  };
}

function open(directory: string): Promise<Engine> {
  return openEngine("embedded", directory, {
    onFatal: (error) => {
      throw error;
    },
  });
}

conformance("embedded", bench);

describe("engine embedded: the store on the disk", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "setwise-engine-"));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** The highest sequence that the process saw acknowledged before it was killed. */
  async function writeAndKill(acks: number): Promise<bigint> {
    const child = spawn(process.execPath, [WRITER, directory, "0"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    let acknowledged = 0n;
    let seen = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [word, , index] = line.split(" ");
      if (word !== "ack") continue;
      seen += 1;
      if (BigInt(index ?? 0) > acknowledged) acknowledged = BigInt(index ?? 0);
      if (seen === acks) child.kill("SIGKILL");
    }
    await exited;
    return acknowledged;
  }

  it("has every acknowledged write after kill -9, and rows, log and cursor agree", async () => {
    for (const acks of [1, 200, 777]) {
      const acknowledged = await writeAndKill(acks);
      const engine = await open(directory);
      const view = engine.read();
      const { first, last } = engine.log();
      expect(first).toBe(1n);
      expect(last).toBeGreaterThanOrEqual(acknowledged);
      expect(last % 2n).toBe(0n);
      expect(view.cursor("profile", 0n)).toEqual({ generation: 1n, index: last });
      const limit = { records: 1_000_000, bytes: 1 << 30 };
      const { changes } = view.changes(0n, null, limit);
      const { rows } = view.scan("profile", ALL, null, { rows: 1_000_000, bytes: 1 << 30 });
      expect(changes.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: Number(last) }, (_, i) => BigInt(i + 1)),
      );
      expect(changes.every(({ sequence, at }) => at.index === sequence)).toBe(true);
      const replayed = new Map(
        changes.map(({ place, value }) => [place.toString("hex"), value?.toString()]),
      );
      expect(
        new Map(rows.map(({ place, value }) => [place.toString("hex"), value.toString()])),
      ).toEqual(replayed);
      expect(
        rows.every(({ place, value }) => value.toString().startsWith(`${positionOf(place)} `)),
      ).toBe(true);
      view.close();
      await engine.close();
    }
  });

  it("acknowledges only after the flush that follows the write", async (context) => {
    requireTool("strace", context);
    const trace = join(directory, "trace");
    const calls = "trace=openat,close,fdatasync,fsync,msync,pwrite64,pwritev,write,writev";
    const run = spawnSync(
      "strace",
      [
        "-f",
        "-y",
        "-s",
        "32",
        "-o",
        trace,
        "-e",
        calls,
        process.execPath,
        WRITER,
        join(directory, "db"),
        "20",
      ],
      { encoding: "utf8" },
    );
    expect(run.status, run.stderr).toBe(0);
    const lines = (await readFile(trace, "utf8")).split("\n");
    expect(flushFaults(lines)).toEqual({ acks: 20, faults: [] });
    // The check would notice: a flush that is missing, a commit that is missing, an early answer.
    const without = (pattern: RegExp) =>
      flushFaults(lines.filter((line) => !pattern.test(line))).faults;
    expect(without(/fdatasync/)).not.toEqual([]);
    expect(without(/pwrite64\(.*, 128, \d+\)/)).not.toEqual([]);
    const isLate = (line: string): boolean => line.includes('"ack 7 ');
    const early = lines.flatMap((line) => {
      if (line.includes('"ack 6 ')) return [line, ...lines.filter(isLate)];
      return isLate(line) ? [] : [line];
    });
    expect(flushFaults(early).faults).not.toEqual([]);
  });

  it("ends with every acknowledged write on the disk when the disk is full", async () => {
    // 3 MB for a file; SIGXFSZ is ignored, so that a write beyond it fails with EFBIG.
    const limited = `trap '' XFSZ; ulimit -f 3000; exec "$0" "$@"`;
    const run = spawnSync("bash", ["-c", limited, process.execPath, WRITER, directory, "0"], {
      encoding: "utf8",
      timeout: 30_000,
    });
    expect(run.status).toBe(70);
    const lines = run.stdout.trim().split("\n");
    expect(lines.at(-1)).toBe("fatal engine-failed");
    const engine = await open(directory);
    const acknowledged = lines.filter((line) => line.startsWith("ack "));
    expect(acknowledged.length).toBeGreaterThan(100);
    for (const line of acknowledged) {
      const [, n = ""] = line.split(" ");
      expect(engine.get("profile", placeOf(BigInt(n), `${n}/b`))?.toString()).toContain(`${n} `);
    }
    await engine.write((txn) =>
      txn.change(
        { keyspace: "profile", place: placeOf(0n, "again"), value: Buffer.from("x") },
        null,
      ),
    );
    await engine.close();
  });

  it("lets one process at a time have it, and is not fooled by the lock of a dead one", async () => {
    const engine = await open(directory);
    await expect(open(directory)).rejects.toMatchObject({ code: "engine-busy", exit: 5 });
    const other = spawnSync(process.execPath, [WRITER, directory, "1"], { encoding: "utf8" });
    expect(other.status).not.toBe(0);
    expect(other.stderr).toContain(`process ${process.pid}`);
    await engine.close();
    // The id of a living process, but not its start time: the id was used again.
    for (const stale of [`${process.pid} 1\n`, "999999999 1\n", "", "rubbish\n"]) {
      await writeFile(join(directory, "owner"), stale);
      await (await open(directory)).close();
    }
  });

  it("uses pages again unless a view is open, and again once it is closed", async () => {
    const engine = await open(directory);
    await engine.write((txn) => txn.putEntry(entryOf(0n, 1n << 64n)));
    const value = Buffer.alloc(1_000, 1);
    const overwrite = async (times: number): Promise<number> => {
      for (let i = 0; i < times; i += 1) {
        await engine.write((txn) => {
          for (let n = 0n; n < 300n; n += 1n) txn.putRow("profile", placeOf(n, `${n}`), value);
        });
      }
      return (await stat(join(directory, "data.mdb"))).size;
    };
    const small = await overwrite(20);
    expect(await overwrite(20)).toBe(small);
    const view = engine.read();
    const pinned = await overwrite(20);
    expect(pinned).toBeGreaterThan(small * 3);
    expect(engine.describe().openViews).toBe(1);
    view.close();
    expect(await overwrite(40)).toBe(pinned);
    expect(engine.describe().freeBytes).toBeGreaterThan(small);
    await engine.close();
  });

  it("grows under open views without disturbing them", async () => {
    const engine = await open(directory);
    await engine.write((txn) => txn.putEntry(entryOf(0n, 1n << 64n)));
    const views = [];
    for (let i = 0n; i < 40n; i += 1n) {
      await engine.write((txn) => {
        for (let n = 0n; n < 100n; n += 1n) {
          const place = placeOf(i * 100n + n, `${n}`);
          txn.change({ keyspace: "profile", place, value: Buffer.alloc(2_000, Number(i)) }, null);
        }
      });
      if (i % 4n === 0n) views.push({ view: engine.read(), rows: Number(i + 1n) * 100 });
    }
    for (const { view, rows } of views) {
      const page = view.scan("profile", ALL, null, { rows: 1_000_000, bytes: 1 << 30 });
      expect(page.rows).toHaveLength(rows);
      expect(page.rows.every((row) => row.value[0] === Number(positionOf(row.place) / 100n))).toBe(
        true,
      );
    }
    await engine.close();
  });
});

it("refuses an engine that does not exist", async () => {
  for (const kind of ["oracle", "toString", ""]) {
    await expect(openEngine(kind, "nowhere", { onFatal: () => undefined })).rejects.toMatchObject({
      code: "engine-unknown",
    });
  }
});
