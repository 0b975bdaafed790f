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
      throttled: "p99 of sh-1a is 9 ms",
    });
    expect(line).toBe(
      "sync profile [0,30M) sh-1a -> sz-1a: 1.0 GiB / 4.0 GiB (25 %), 80.0 MiB/s, " +
        "lag 12 ms, ETA 38s, for 1m 05s, throttled: p99 of sh-1a is 9 ms",
    );
  });

  test("says no more than is known", () => {
    expect(progressLine({ stage: "verify" })).toBe("verify");
    expect(progressLine({ stage: "soak", inStateMs: 7_260_000 })).toBe("soak: for 2h 01m");
    expect(progressLine({ stage: "copy", done: 0, total: 0, unit: "rows" })).toBe("copy: 0 rows");
    expect(progressLine({ stage: "copy", etaMs: Infinity })).toBe("copy: ETA unknown");
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
