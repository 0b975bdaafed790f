import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Expansion } from "./expansion.js";

const LONG_MS = 600_000;

let expansion: Expansion;
let run: string;
beforeAll(async () => {
  expansion = await Expansion.start();
  expansion.open();
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

/** How often the new nodes were asked for an operation of that kind. */
async function asked(kind: string): Promise<number> {
  const all = await Promise.all(
    ["a2", "b2"].map(async (node) => {
      const answer = await fetch(`${expansion.cluster.url(node)}/v1/operations`);
      return ((await answer.json()) as { operations: { kind: string }[] }).operations;
    }),
  );
  return all.flat().filter((operation) => operation.kind === kind).length;
}

describe("a run that was rolled back to before its copies", { timeout: LONG_MS }, () => {
  it("waits for the new ones and compares them again, and only then has them read", async () => {
    run = (await expansion.must("shard", "apply", expansion.plan, "--until", "verify", "--yes"))[
      "run"
    ] as string;
    const [syncs, verifies] = [await asked("sync"), await asked("verify")];
    expect([syncs, verifies]).toEqual([4, 2]);
    await expansion.must("shard", "rollback", run, "--to", "preflight", "--yes");
    expect([await expansion.entries("a2"), await expansion.entries("b2")]).toEqual([[], []]);
    const { code, lines } = await expansion.ops(["run", "resume", run]);
    expect(code).toBe(0);
    expect([await asked("sync"), await asked("verify")]).toEqual([2 * syncs, 2 * verifies]);
    const told = lines.filter(({ type }) => type === "evidence" || type === "routes");
    const about = told.map(({ type, about: what }) => what ?? type);
    expect(about.lastIndexOf("verify")).toBeLessThan(about.indexOf("routes"));
  });

  it("has lost nothing by that", async () => {
    const { wrong, acked, checked } = await expansion.verdict();
    expect(wrong).toEqual([]);
    expect(checked).toBe(acked);
  });
});
