import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dropCopies } from "./another-ops.js";
import { Expansion } from "./expansion.js";
import type { Ended } from "./ops-process.js";

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

/** What the new nodes hold. */
const copies = async () => [...(await expansion.entries("a2")), ...(await expansion.entries("b2"))];
const until = async (stage: string): Promise<void> => {
  const args = ["shard", "apply", expansion.plan, "--until", stage, "--yes"];
  run = (await expansion.must(...args))["run"] as string;
};
const back = (...to: string[]) => expansion.ops(["shard", "rollback", run, ...to, "--yes"]);
const codeOf = ({ json }: Ended) => (json["error"] as { code: string }).code;
const messageOf = ({ json }: Ended) => (json["error"] as { message: string }).message;
const hintOf = ({ json }: Ended) => (json["error"] as { hint: string }).hint;

describe("a run that was rolled back to before its copies", { timeout: LONG_MS }, () => {
  it("waits for the new ones and compares them again, and only then has them read", async () => {
    await until("verify");
    const [syncs, verifies] = [await asked("sync"), await asked("verify")];
    expect([syncs, verifies]).toEqual([4, 2]);
    expect((await back("--to", "preflight")).code).toBe(0);
    expect(await copies()).toEqual([]);
    const { code, lines } = await expansion.ops(["run", "resume", run]);
    expect(code).toBe(0);
    expect([await asked("sync"), await asked("verify")]).toEqual([2 * syncs, 2 * verifies]);
    const told = lines.filter(({ type }) => type === "evidence" || type === "routes");
    const about = told.map(({ type, about: what }) => what ?? type);
    expect(about.lastIndexOf("verify")).toBeLessThan(about.indexOf("routes"));
    expect(await back()).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
  });
});

describe("a rollback to a stage", { timeout: LONG_MS }, () => {
  it("is refused for one that was not done: it would undo nothing", async () => {
    await until("verify");
    const before = await expansion.stateFiles();
    for (const how of ["--yes", "--dry-run"]) {
      const to = ["--to", "promote-writes", how];
      const end = await expansion.ops(["shard", "rollback", run, ...to]);
      expect([end.code, codeOf(end)]).toEqual([3, "stage-not-done"]);
      expect(hintOf(end)).toContain(`ops shard rollback ${run} --to 4-verify`);
    }
    expect(await expansion.journal(run)).toHaveLength(recordsIn(before));
  });

  it("is refused for one that a rollback before it undid, and says which one still stands", async () => {
    const whole = await copies();
    const dead = await expansion.ops(["shard", "rollback", run, "--yes"], "op.done");
    expect(dead.signal).toBe("SIGKILL");
    expect((await copies()).length).toBeLessThan(whole.length);
    const before = await expansion.stateFiles();
    for (const stage of ["verify", "attach"]) {
      const end = await back("--to", stage);
      expect([end.code, codeOf(end)]).toEqual([3, "stage-undone"]);
      expect(hintOf(end)).toContain(`ops shard rollback ${run}\n`);
      expect(hintOf(end)).toContain(`ops shard rollback ${run} --to 1-preflight`);
    }
    expect(await expansion.journal(run)).toHaveLength(recordsIn(before));
  });

  it("that still stands turns the rollback around: all behind it is done again", async () => {
    expect((await back("--to", "preflight")).code).toBe(0);
    const verifies = await asked("verify");
    const end = await expansion.ops(["run", "resume", run]);
    expect(end).toMatchObject({ code: 0, json: { run, activity: "soaking" } });
    expect(await asked("verify")).toBe(verifies + 2);
    expect(await back()).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
  });
});

describe("a node that lost its copy", { timeout: LONG_MS }, () => {
  it("gets no reads", async () => {
    await until("verify");
    await dropCopies(expansion, "b2");
    const end = await expansion.ops(["run", "resume", run]);
    expect([end.code, codeOf(end)]).toEqual([6, "not-readable"]);
    expect(messageOf(end)).toContain("b2 holds no readable copy of profile [2000, 3600)");
    expect(await back()).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
  });

  it("does not pass a gate", async () => {
    await until("verify");
    const dead = await expansion.ops(["run", "resume", run], "step.done");
    expect(dead.signal).toBe("SIGKILL");
    await dropCopies(expansion, "b2");
    const end = await expansion.ops(["run", "resume", run]);
    expect([end.code, codeOf(end)]).toEqual([6, "gate"]);
    expect(messageOf(end)).toContain("b2: it holds no readable copy of profile [2000, 3600)");
    expect(await back()).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
  });

  it("keeps the old copies from being dropped", async () => {
    await expansion.must("shard", "apply", expansion.plan, "--yes");
    run = await expansion.lastRun();
    await dropCopies(expansion, "b2");
    const end = await expansion.ops(["shard", "finalize", run, "--early", "--yes"]);
    expect([end.code, codeOf(end)]).toEqual([3, "not-readable"]);
    expect(messageOf(end)).toContain("the old copies are kept");
  });

  it("has lost nothing by all that", async () => {
    const { wrong, acked, checked } = await expansion.verdict();
    expect(wrong).toEqual([]);
    expect(checked).toBe(acked);
  });
});

/** How many records the journal of the run had then. */
function recordsIn(files: ReadonlyMap<string, string>): number {
  const text = files.get(join(expansion.state, "runs", run, "journal.ndjson"))!;
  return text.split("\n").length - 1;
}
