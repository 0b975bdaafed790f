import { describe, expect, test } from "vitest";
import { openProgress, progressLine } from "../../src/lib/cli/progress.js";

describe("a line about a state", () => {
  test("says all that is known", () => {
    const line = progressLine({
      stage: "sync",
      subject: "profile [0,30M) sh-1a -> sz-1a",
      done: 1n << 30n,
      total: 4n << 30n,
      unit: "bytes",
      rate: 80 * 1024 * 1024,
      lagMs: 12,
      etaMs: 38_400,
      inStateMs: 65_000,
      throttled: "p99 of sh-1a is 9ms",
    });
    expect(line).toBe(
      "sync profile [0,30M) sh-1a -> sz-1a: 1.0 GiB / 4.0 GiB (25 %), 80.0 MiB/s, " +
        "lag 12ms, ETA 38s, for 1m 05s, throttled: p99 of sh-1a is 9ms",
    );
  });

  test("says no more than is known", () => {
    expect(progressLine({ stage: "verify" })).toBe("verify");
    expect(progressLine({ stage: "soak", inStateMs: 7_260_000 })).toBe("soak: for 2h 01m");
    expect(progressLine({ stage: "copy", done: 0, total: 0, unit: "rows" })).toBe("copy: 0 rows");
    expect(progressLine({ stage: "copy", etaMs: Infinity })).toBe("copy: ETA unknown");
  });

  test("that stands for many says how many of them are done", () => {
    const parts = { done: 1_057, of: "1,285 segments" };
    const line = progressLine({ stage: "copying", subject: "status on sh-1", parts, done: 3 });
    expect(line).toBe("copying status on sh-1, 1,057 of 1,285 segments done: 3");
  });

  test("never claims more than 100 %", () => {
    const line = progressLine({ stage: "copy", done: 130, total: 100, unit: "rows" });
    expect(line).toContain("(100 %)");
  });
});

describe("without a terminal", () => {
  async function lines(): Promise<{ clock: { ms: number }; said: string[]; p: Progress }> {
    const clock = { ms: 0 };
    const said: string[] = [];
    const p = await openProgress({ now: () => clock.ms, write: (line) => said.push(line) });
    return { clock, said, p };
  }
  type Progress = Awaited<ReturnType<typeof openProgress>>;

  test("the time that is left is said under each heading, and once a minute", async () => {
    const { clock, said, p } = await lines();
    p.heading("apply r-1");
    p.left("about 3m 00s left");
    p.heading("stage 2-attach");
    p.left("about 2m 30s left");
    clock.ms = 59_000;
    p.left("about 2m 00s left");
    clock.ms = 60_000;
    p.left("about 2m 00s left");
    p.left(null);
    p.heading("stage 3-sync");
    p.left("about 1m 00s left");
    p.heading("stage 4-verify");
    p.heading("stage 5-soak");
    expect(said).toEqual([
      "apply r-1",
      "stage 2-attach",
      "about 3m 00s left",
      "about 2m 00s left",
      "stage 3-sync",
      "stage 4-verify",
      "about 1m 00s left",
      "stage 5-soak",
    ]);
  });

  test("nothing is wider than 80 columns, but for what cannot be broken", async () => {
    const { said, p } = await lines();
    p.done(`  s12-s140 link status on sh-db-2 from tj-db-1: 128 segments, 1.2 GiB, [0, 5)`);
    p.warn(
      "sh-db-2 was asked to tell its state; no answer from http://127.0.0.1:7402: ECONNREFUSED",
    );
    p.update({ stage: "x".repeat(90), subject: "status" });
    expect(said).toEqual([
      "  s12-s140 link status on sh-db-2 from tj-db-1: 128 segments, 1.2 GiB, [0, 5)",
      "warning: sh-db-2 was asked to tell its state; no answer from\n  http://127.0.0.1:7402: ECONNREFUSED",
      `${"x".repeat(90)}\n  status`,
    ]);
  });

  test("a figure stays with its unit", async () => {
    const { said, p } = await lines();
    p.done(`${"x".repeat(70)} 1.5 GiB / 3.0 GiB (50 %), 80.0 MiB/s`);
    expect(said).toEqual([`${"x".repeat(70)} 1.5 GiB /\n  3.0 GiB (50 %), 80.0 MiB/s`]);
  });

  test("a command about a run can be copied", async () => {
    const { said, p } = await lines();
    const command = "ops shard rollback r-20261124-065224-47e4";
    p.done(`${"x".repeat(50)} ${command}, or wait`);
    expect(said).toEqual([`${"x".repeat(50)}\n  ${command}, or wait`]);
  });

  test("what may be over in a moment is told once it is not", async () => {
    const { clock, said, p } = await lines();
    const state = { stage: "link status on sh-1", minor: true };
    for (let done = 1; done < 100; done++) {
      p.update({ ...state, parts: { done, of: "128 segments" } });
      clock.ms += 100;
    }
    expect(said).toEqual(["link status on sh-1, 51 of 128 segments done"]);
    p.heading("the next stage");
    p.update({ ...state, parts: { done: 100, of: "128 segments" } });
    expect(said).toHaveLength(2);
  });

  test("subjects that take turns are each told once in a while", async () => {
    const { clock, said, p } = await lines();
    for (let i = 0; i < 60; i++) {
      p.update({ stage: "copying", subject: i % 2 === 0 ? "a" : "b", done: i });
      clock.ms += 100;
    }
    expect(said).toEqual(["copying a: 0", "copying b: 1", "copying a: 50", "copying b: 51"]);
  });

  test("a state is told once, and again only after a while", async () => {
    const { clock, said, p } = await lines();
    for (let done = 0; done < 100; done++) {
      p.update({ stage: "sync", done, unit: "rows" });
      clock.ms += 100;
    }
    expect(said).toEqual(["sync: 0 rows", "sync: 50 rows"]);
  });

  test("a change of state, or of the reason for going slowly, is told at once", async () => {
    const { said, p } = await lines();
    p.update({ stage: "sync" });
    p.update({ stage: "sync", throttled: "lag" });
    p.update({ stage: "verify" });
    p.warn("sz-1a is slow");
    p.done("verified");
    p.stop();
    expect(said).toEqual([
      "sync",
      "sync: throttled: lag",
      "verify",
      "warning: sz-1a is slow",
      "verified",
    ]);
  });
});
