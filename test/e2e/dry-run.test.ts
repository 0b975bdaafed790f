import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setAgentUrls } from "../../src/lib/topology/edit.js";
import { Expansion } from "./expansion.js";
import type { Ended, Json } from "./ops-process.js";
import { topology } from "./topologies.js";

const LONG_MS = 600_000;

let expansion: Expansion;
let run: string;
beforeAll(async () => {
  expansion = await Expansion.start();
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

describe("a dry run asks nobody for a change and shows the steps that the run then does:", () => {
  it("shard plan", { timeout: LONG_MS }, async () => {
    expect(await changesNothing("shard", "plan", "-t", expansion.wanted)).toEqual([]);
  });

  it("shard apply", { timeout: LONG_MS }, async () => {
    const lines = await changesNothing("shard", "apply", expansion.plan, "--dry-run");
    expect(lines.map(({ kind }) => kind)).toContain("takeover");
    const until = ["--until", "verify"];
    const some = await changesNothing("shard", "apply", expansion.plan, ...until, "--dry-run");
    const end = await expansion.ops(["shard", "apply", expansion.plan, ...until, "--yes"]);
    expect(stepsIn(end)).toEqual(said(some));
    expect(said(lines).slice(0, some.length)).toEqual(said(some));
    run = end.json["run"] as string;
  });

  it("shard plan, which warns of a run that comes first", { timeout: LONG_MS }, async () => {
    const files = await expansion.stateFiles();
    const live = ["shard", "plan", "-t", expansion.wanted];
    const offline = [...live, "--from", expansion.cluster.topologyFile];
    for (const args of [live, offline]) {
      const { code, json, stderr } = await expansion.ops(args);
      expect(code).toBe(0);
      expect(json["unfinished"]).toMatchObject([
        { run, activity: "stopped", next: [`ops run resume ${run}`, `ops shard rollback ${run}`] },
      ]);
      expect(stderr).toContain(`warning: run ${run} of the same keyspaces has not ended`);
      expect(stderr).toContain(`next   ops run resume ${run}`);
      expect(Math.max(...stderr.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    }
    const elsewhere = join(expansion.dir, "no-state");
    const { json, stderr } = await expansion.ops([...offline, "--state", elsewhere]);
    expect([stderr, "unfinished" in json]).toEqual(["", false]);
    expect(await expansion.stateFiles()).toEqual(files);
    await expect(stat(elsewhere)).rejects.toThrow("ENOENT");
  });

  it("run resume", { timeout: LONG_MS }, async () => {
    const lines = await changesNothing("run", "resume", run, "--dry-run");
    const counts = await mutations();
    const end = await expansion.ops(["run", "resume", run]);
    expect(end).toMatchObject({ code: 0, json: { activity: "soaking" } });
    expect(stepsIn(end)).toEqual(said(lines));
    // A run that soaks needs nobody who waits.
    expect(await expansion.must("run", "show", run)).toMatchObject({ holder: null, open: [] });
    // What the counts of a dry run are compared by does see a run.
    expect(await mutations()).not.toEqual(counts);
  });

  it("shard rollback", { timeout: LONG_MS }, async () => {
    const to = ["--to", "5-promote-reads-10"];
    const some = await changesNothing("shard", "rollback", run, ...to, "--dry-run");
    const lines = await changesNothing("shard", "rollback", run, "--dry-run");
    expect(said(lines).slice(0, some.length)).toEqual(said(some));
    const end = await expansion.ops(["shard", "rollback", run, "--yes"]);
    expect(end).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
    expect(stepsIn(end)).toEqual(said(lines));
  });

  it("shard finalize", { timeout: LONG_MS }, async () => {
    run = (await expansion.must("shard", "apply", expansion.plan, "--yes"))["run"] as string;
    const lines = await changesNothing("shard", "finalize", run, "--dry-run");
    const end = await expansion.ops(["shard", "finalize", run, "--early", "--yes"]);
    expect(end).toMatchObject({ code: 0, json: { outcome: "finalized" } });
    expect(stepsIn(end)).toEqual(said(lines));
  });
});

describe("a command is refused, the same with and without --json,", () => {
  it("when the plan is stale: it shows what changed", { timeout: LONG_MS }, async () => {
    const { json } = await refused(4, "stale-plan", "shard", "apply", expansion.plan, "--yes");
    const { message } = json["error"] as { message: string };
    expect(message).toMatch(
      /profile \[2000, 3600\): shard p0 on a1 with b1 when the plan was made, shard p1 on a2 with b2 now/,
    );
  });

  it("when the plan was edited", { timeout: LONG_MS }, async () => {
    const edited = join(expansion.dir, "edited.json");
    const text = await readFile(expansion.plan, "utf8");
    await writeFile(edited, text.replace('"budgetMs": 5000', '"budgetMs": 9000'));
    const { stderr } = await refused(3, "plan/tampered", "shard", "apply", edited, "--yes");
    expect(stderr).toContain("A plan is never edited");
  });

  it("when there is no way back, no such stage, or no such run", { timeout: LONG_MS }, async () => {
    const gone = await refused(3, "no-way-back", "shard", "rollback", run, "--yes");
    expect(gone.stderr).toContain("the old copies are gone");
    const until = ["--until", "retired"];
    const stage = await refused(64, "no-such-stage", "shard", "apply", expansion.plan, ...until);
    expect(stage.stderr).toContain("its stages: 1-preflight, ");
    const none = await refused(64, "no-such-run", "run", "resume", "r-none");
    expect(none.stderr).toContain("ops run list");
  });

  it("when somebody else holds the lock: it names the holder", { timeout: LONG_MS }, async () => {
    const back = join(expansion.dir, "back.json");
    const before = join(expansion.dir, "before.yaml");
    await writeFile(before, setAgentUrls(topology(false, {}), expansion.cluster.urls));
    await expansion.must("shard", "plan", "-t", before, "-o", back);
    const holder = expansion.begin(["shard", "apply", back, "--yes"]);
    const { run: held } = await holder.event(({ type }) => type === "run");
    holder.child.kill("SIGSTOP");
    const { json } = await refused(5, "locked", "shard", "rollback", held as string, "--yes");
    const { message } = json["error"] as { message: string };
    expect(message).toContain(held as string);
    expect(message).toContain(`process ${holder.child.pid!} `);
    holder.child.kill("SIGKILL");
    await holder.ended;
    await expansion.must("shard", "rollback", held as string, "--yes");
  });

  it("when no agent that it needs answers", { timeout: LONG_MS }, async () => {
    const back = join(expansion.dir, "back.json");
    for (const node of Object.keys(expansion.cluster.urls)) await expansion.cluster.kill9(node);
    const { json } = await refused(9, "unreachable", "shard", "apply", back, "--yes");
    const { message } = json["error"] as { message: string };
    for (const node of ["a1", "a2", "b1", "b2"]) expect(message).toContain(node);
  });
});

interface Line {
  readonly step: string;
  readonly kind: string;
  readonly what: string;
}

/** Runs a command that must change nothing at any agent and nothing in the state directory. Returns the steps that it shows. */
async function changesNothing(...args: string[]): Promise<readonly Line[]> {
  const [counts, files] = [await mutations(), await expansion.stateFiles()];
  const { lines = [] } = (await expansion.must(...args)) as { lines?: Line[] };
  expect(await mutations()).toEqual(counts);
  expect(await expansion.stateFiles()).toEqual(files);
  return lines;
}

/** How often each agent was asked for a change, by request. What followers send by themselves is left out. */
async function mutations(): Promise<string[]> {
  const texts = await Promise.all(
    Object.values(expansion.cluster.urls).map(async (url) =>
      (await fetch(`${url}/metrics`)).text(),
    ),
  );
  return texts
    .flatMap((text) => text.split("\n"))
    .filter((line) => line.startsWith("ops_http_request_seconds_count"))
    .filter((line) => !/method="(GET|HEAD)"|route="\/v1\/(replication|ownership\/reign)/.test(line))
    .sort();
}

const said = (lines: readonly Pick<Line, "step" | "what">[]) =>
  lines.map(({ step, what }) => `${step}: ${what}`);

/** The steps that a run began, in order. */
function stepsIn({ lines }: Ended): string[] {
  const begun = lines.filter(
    (event: Json) => event["type"] === "step" && event["state"] === "begun",
  );
  return said(begun as unknown as Line[]);
}

async function refused(code: number, name: string, ...args: string[]): Promise<Ended> {
  const end = await expansion.ops(args);
  const plain = await expansion.begin(args, { json: false }).ended;
  expect(end).toMatchObject({ code, json: { type: "error", error: { code: name } } });
  expect(plain.code).toBe(code);
  const { message } = end.json["error"] as { message: string };
  expect(timeless(plain.stderr)).toContain(timeless(message.split("\n")[0]!));
  return end;
}

/** Without what differs from one second, or one run, to the next, and without line breaks. */
function timeless(text: string): string {
  return text
    .replaceAll(/r-\d{8}-\d{6}-[0-9a-f]{4}|, for \S+$|\b[\d.]+m?s\b/g, "")
    .replaceAll(/\s+/g, " ");
}
