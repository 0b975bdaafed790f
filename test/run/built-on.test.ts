import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { encodePlan } from "../../src/lib/plan/encode.js";
import { planShards } from "../../src/lib/plan/planner.js";
import { observedFromTopology } from "../../src/lib/plan/observed.js";
import type { PlannedEntry } from "../../src/lib/plan/users/types.js";
import { assertNotBuiltOn, assertNotReplaced } from "../../src/lib/run/built-on.js";
import { Journal, readHistory } from "../../src/lib/run/journal/journal.js";
import { planOf } from "../../src/lib/run/session.js";
import { assemble } from "../../src/lib/schedule/change/assemble.js";
import { NO_POLICY, changePolicy, entriesOnly } from "../../src/lib/schedule/change/policy-part.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import type { Plan } from "../../src/lib/plan/any.js";
import { rangeKeyspace, topologyOf } from "../plan/cluster.js";
import { GATES } from "../support/gates.js";

let directory: string;
let store: FileStateStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ops-built-on-"));
  store = new FileStateStore(directory);
});
afterEach(() => rm(directory, { recursive: true }));

const POLICY = {
  ...NO_POLICY,
  version: 1,
  sites: { a: { region: "r", carriers: [], addresses: [{ url: "ws://a:80", port: 80 }] } },
};

/** Keeps users away from `a` by an entry, in the place of others. */
function keepAway(
  id: string,
  ...over: readonly PlannedEntry[]
): { plan: Plan; entry: PlannedEntry } {
  const entry: PlannedEntry = {
    id,
    site: "a",
    carrier: null,
    province: null,
    port: null,
    mode: "weak",
    reason: "loss",
    actor: "me",
    since: 1,
    expires: 100_000,
    ramp: { step: 0.1, everyMs: 1_000 },
    redirects: [],
  };
  const [before, after] = [entriesOnly(over), entriesOnly([entry])];
  const policy = changePolicy(POLICY, entriesOnly([]), before, 1n);
  const plan = assemble(
    [
      {
        kind: "mask",
        title: "mask",
        waves: [[{ kind: "policy", before, after }]],
        how: "back",
        seconds: 1,
      },
    ],
    {
      now: 1,
      policy,
      unlisted: [],
      offered: policy.sites,
      gateways: [],
      dispatchers: [],
      silent: [],
      over: [],
    },
    changePolicy(policy, before, after, 1n),
    {
      createdAt: "2026-11-24T00:00:00Z",
      topology: { name: "t", hash: "0" },
      nodes: { dp: { url: "http://127.0.0.1:1", region: "r", set: "a" } },
      gates: GATES,
    },
    {
      change: { what: "weak", sites: ["a"], reason: "loss", actor: "me", overridden: [] },
      moves: [],
      receivers: [],
      pace: { perSecond: null, seconds: 0, boundSeconds: 0 },
    },
  );
  return { plan, entry };
}

const at = (primary: string, replica: string) =>
  topologyOf([
    rangeKeyspace("profile", [
      { id: "p0", segments: [{ lo: 0n, hi: 1000n }], primary, replicas: [replica] },
    ]),
  ]);
const HOME = at("sh-1-d1", "sz-1-d1");
const AWAY = at("sz-1-d1", "sh-1-d1");
const moving = (from: typeof HOME, to: typeof HOME) =>
  planShards({
    topology: to,
    observed: observedFromTopology(from),
    createdAt: "2026-11-24T00:00:00Z",
    topologyHash: "0",
  });

/** A run that was begun, and where told applied. */
async function run(name: string, plan: Plan, isApplied = false): Promise<void> {
  const id = `r-${name}`;
  await store.createRun(id, encodePlan(plan));
  const lease = await store.acquire(plan.scopes, { run: id, actor: "me", now: 1 });
  const journal = await Journal.open(store, id, Date.now);
  const epochs = Object.fromEntries(
    Object.entries(lease.epochs).map(([scope, epoch]) => [scope, String(epoch)]),
  );
  const taken = { epochs, actor: "me", command: "test" };
  await journal.append({
    type: "run.start",
    run: id,
    plan: plan.hash,
    lineage: "0",
    stages: plan.stages.map(({ id: stage }) => ({ id: stage, reversible: true, waves: [] })),
    ...taken,
  });
  if (isApplied) {
    for (const { id: stage } of plan.stages)
      for (const type of ["stage.enter", "stage.done"] as const)
        await journal.append({ type, stage });
    await journal.append({ type: "run.end", outcome: "applied", why: null });
  } else await journal.append({ type: "run.stopped", reason: "signal", step: null, error: null });
  await journal.close();
  await lease.release();
}

const statusOf = async (name: string) => (await readHistory(store, `r-${name}`)).status!;

it("a run that writes have moved past waits until the move is taken back, or who holds what is as it was", async () => {
  await run("1-expansion", moving(HOME, AWAY));
  await assertNotBuiltOn(store, await statusOf("1-expansion"));
  await run("2-evacuation", moving(HOME, AWAY), true);
  // What comes after it and is about users only changes nothing of that.
  await run("3-mask", keepAway("m").plan, true);
  await expect(assertNotBuiltOn(store, await statusOf("1-expansion"))).rejects.toMatchObject({
    code: "unfinished-run",
    hint: expect.stringContaining("ops run rollback r-2-evacuation") as string,
  });
  await run("4-restore", moving(AWAY, HOME), true);
  await assertNotBuiltOn(store, await statusOf("1-expansion"));
});

it("entries are not taken back below a run that took their place", async () => {
  const first = keepAway("one");
  await run("1-weak", first.plan);
  await run("2-elsewhere", keepAway("other").plan, true);
  const check = async () =>
    assertNotReplaced(store, await statusOf("1-weak"), await planOf(store, "r-1-weak"));
  await check();
  await run("3-strong", keepAway("two", first.entry).plan, true);
  await expect(check()).rejects.toMatchObject({
    code: "unfinished-run",
    hint: expect.stringContaining("ops run rollback r-3-strong") as string,
  });
});
