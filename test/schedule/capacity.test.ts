import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { studyLosses } from "../../src/lib/schedule/losses/study.js";
import { carrierCapacity } from "../../src/lib/topology/rules/carrier-capacity.js";
import { carrierWithoutSite } from "../../src/lib/topology/rules/carrier-without-site.js";
import { setCapacity } from "../../src/lib/topology/rules/set-capacity.js";
import { anyUsers } from "../topology/capacity/service.js";

const LINES = "fixtures/topologies/carrier-lines";
const QQ = "fixtures/topologies/qq-three-regions";

function capacity(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["bin/run.js", "schedule", "capacity", ...args],
    { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
  );
  return { code: status, out: stdout, err: stderr };
}

interface Told {
  readonly ok: boolean;
  readonly outcomes: readonly {
    readonly lost: { readonly what: string; readonly idcs: readonly string[] } | null;
    readonly required: boolean;
    readonly unplaced: number;
    readonly moved: number;
    readonly seconds: number;
    readonly leastSeconds: number;
    readonly levels: readonly { readonly name: string; readonly ratio: number }[];
    readonly sites: readonly {
      readonly id: string;
      readonly users: number;
      readonly used: number;
      readonly room: number;
    }[];
  }[];
}

test("who has no place and why, when a loss cannot be carried: exit 3", async () => {
  const { code, out, err } = capacity(
    "-t",
    `${LINES}/topology.yaml`,
    "--quality",
    `${LINES}/quality.yaml`,
  );
  expect({ code, err }).toEqual({ code: 3, err: "" });
  for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  await expect(out).toMatchFileSnapshot(`../../${LINES}/capacity.txt`);
});

test("any two of three regions carry everyone: exit 0, each loss proven", async () => {
  const { code, out, err } = capacity("-t", `${QQ}/topology.yaml`, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const { ok, outcomes } = JSON.parse(out) as Told;
  expect(ok).toBe(true);
  expect(outcomes.map(({ lost }) => lost?.what ?? "nothing")).toEqual([
    "nothing",
    ...["shanghai", "shenzhen", "tianjin"].map((region) => `region ${region}`),
    ...["sh-1", "sh-2", "sz-1", "sz-2", "tj-1", "tj-2"].map((idc) => `idc ${idc}`),
  ]);
  const [now, ...losses] = outcomes;
  for (const { lost, unplaced, moved, seconds, leastSeconds, levels, sites } of losses) {
    expect(unplaced).toBe(0);
    for (const { name, ratio } of levels) expect(ratio, name).toBeCloseTo(1, 9);
    const left = sites.map(({ id }) => id);
    const gone = now!.sites.filter(({ id }) => !left.includes(id));
    expect(gone).toHaveLength(
      lost!.what.startsWith("region") ? 3 : lost!.idcs[0]!.endsWith("1") ? 2 : 1,
    );
    const leaving = gone.reduce((sum, { users }) => sum + users, 0);
    expect(moved).toBeGreaterThanOrEqual(leaving - 1);
    expect(sites.reduce((sum, { users }) => sum + users, 0)).toBeCloseTo(200e6, 0);
    for (const { used, room } of sites) expect(used).toBeLessThanOrEqual(0.9 * room + 1);
    // 108k logins/s of all sets, a ninth of it each, less the 60k that are there anyway.
    expect(leastSeconds).toBeGreaterThanOrEqual(leaving / (sites.length * (16_000 / 3)) - 1e-3);
    expect(seconds).toBeGreaterThanOrEqual(leastSeconds - 1e-6);
  }
});

test("everyone has a place exactly where the rules of capacity find no lack", async () => {
  let short = 0;
  await fc.assert(
    fc.asyncProperty(anyUsers, async (topology) => {
      // A carrier without users may have no site, and without any region there is none to look at.
      fc.pre(topology.demand!.carriers.every(({ share }) => share > 0));
      fc.pre(topology.policy.regionsLost > 0);
      const sets = topology.sets.map((set) => ({
        ...set,
        capacity: { ...set.capacity, loginsPerSecond: 1 },
      }));
      const rules = [setCapacity, carrierCapacity, carrierWithoutSite];
      const lacks = rules.flatMap((rule) => [...rule.check(topology)]);
      let fits = true;
      const costs = () => sets.map(() => 1);
      for await (const outcome of studyLosses({ ...topology, sets }, topology.demand!, costs)) {
        if (outcome.required && !outcome.fits) fits = false;
      }
      expect(fits).toBe(lacks.length === 0);
      if (!fits) short += 1;
    }),
    { numRuns: 80, seed: 4 },
  );
  expect(short).toBeGreaterThan(20);
  expect(short).toBeLessThan(75);
});

test("a loss that the policy does not ask for is told, and does not fail", () => {
  const folder = mkdtempSync(join(tmpdir(), "ops-capacity-"));
  try {
    const file = join(folder, "topology.yaml");
    const of = (policy: string) => `version: 1
name: two
regions:
  a: { idcs: { a1: { carriers: [telecom], sets: { a-1: { capacity: { onlineUsers: 60, loginsPerSecond: 9 } } } } } }
  b: { idcs: { b1: { carriers: [telecom], sets: { b-1: { capacity: { onlineUsers: 60, loginsPerSecond: 9 } } } } } }
keyspaces: {}
${policy}`;
    writeFileSync(file, of("demand: { onlineUsers: 90 }\npolicy: { regionsLost: 0 }\n"));
    const { code, out } = capacity("-t", file);
    expect(code).toBe(0);
    expect(out).toContain(
      "Without region a: 30 users have no place (policy.regionsLost does not ask",
    );
    expect(out).toContain(
      "Without region b: 30 users have no place (policy.regionsLost does not ask",
    );
    writeFileSync(file, of(""));
    const silent = capacity("-t", file, "--json");
    expect(silent.code).toBe(3);
    expect(JSON.parse(silent.out)).toMatchObject({ error: { code: "no-demand" } });
    expect(capacity("-t", `${QQ}/topology.yaml`, "--quality", join(folder, "none")).code).toBe(64);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
