import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Expansion } from "./expansion.js";

const KEYS = 2_000;
const LONG_MS = 600_000;

let expansion: Expansion;
beforeAll(async () => {
  expansion = await Expansion.start(KEYS);
}, LONG_MS);
afterAll(() => expansion?.stop());

/** Where everything must be when the plan is not, and when it is applied and finalized. */
async function expectBefore(): Promise<void> {
  expect((await expansion.entries("a1")).every(({ role }) => role === "primary")).toBe(true);
  expect(await expansion.entries("a2")).toEqual([]);
  expect(await expansion.entries("b2")).toEqual([]);
  expect((await expansion.valuesAt("a1", 0, 1000)).size).toBe(KEYS);
}

describe("an expansion on live agents", () => {
  it("changes nothing in a dry run", async () => {
    const { lines } = (await expansion.must("shard", "apply", expansion.plan, "--dry-run")) as {
      lines: { kind: string }[];
    };
    expect(lines.map(({ kind }) => kind)).toContain("takeover");
    await expectBefore();
    expect((await expansion.must("run", "list"))["runs"]).toHaveLength(1);
  });

  it(
    "is rolled back to where it began, and applied again as a new run",
    async () => {
      const first = await expansion.must("shard", "apply", expansion.plan, "--yes");
      expect(first).toMatchObject({ type: "result", activity: "soaking" });
      expect((await expansion.entries("a2")).every(({ role }) => role === "primary")).toBe(true);
      const back = await expansion.must("shard", "rollback", first["run"] as string, "--yes");
      expect(back).toMatchObject({ outcome: "rolled-back" });
      await expectBefore();
    },
    LONG_MS,
  );

  it(
    "arrives, and goes back, although its process is killed after every few journal records",
    async () => {
      const forward = await expansion.untilDone("shard", "apply", expansion.plan, "--yes");
      expect(forward.end).toMatchObject({ code: 0, json: { activity: "soaking" } });
      expect(forward.kills).toBeGreaterThan(10);
      const run = forward.end.json["run"] as string;
      const back = await expansion.untilDone("shard", "rollback", run, "--yes");
      expect(back.end).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
      expect(back.kills).toBeGreaterThan(5);
      await expectBefore();
    },
    LONG_MS,
  );

  it(
    "is verified and finalized, after which there is no way back",
    async () => {
      const { run } = (await expansion.must("shard", "apply", expansion.plan, "--yes")) as {
        run: string;
      };
      const { copies } = (await expansion.must("shard", "verify", run)) as {
        copies: { difference: string | null }[];
      };
      expect(copies.length).toBeGreaterThan(0);
      expect(copies.every(({ difference }) => difference === null)).toBe(true);
      const end = await expansion.untilDone("shard", "finalize", run, "--yes", "--early");
      expect(end.end).toMatchObject({ code: 0, json: { outcome: "finalized" } });
      expect(await expansion.entries("a1")).toEqual([{ lo: "0", hi: "500", role: "primary" }]);
      const low = await expansion.valuesAt("a1", 0, 500);
      const high = await expansion.valuesAt("a2", 500, 1000);
      expect(low.size + high.size).toBe(KEYS);
      expect(await expansion.ops(["shard", "rollback", run, "--yes"])).toMatchObject({
        code: 3,
        json: { error: { code: "no-way-back" } },
      });
      expect(await expansion.ops(["shard", "apply", expansion.plan, "--yes"])).toMatchObject({
        code: 4,
        json: { error: { code: "stale-plan" } },
      });
    },
    LONG_MS,
  );
});
