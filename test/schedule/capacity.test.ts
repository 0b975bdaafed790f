import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

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
    const { code, out } = capacity("-t", file, "--json");
    const { ok, outcomes } = JSON.parse(out) as Told;
    expect({ code, ok }).toEqual({ code: 0, ok: true });
    expect(outcomes.map(({ required, unplaced }) => [required, Math.round(unplaced)])).toEqual([
      [true, 0],
      [false, 30],
      [false, 30],
    ]);
    expect(capacity("-t", file).out).toContain("30 users have no place (policy.regionsLost");
    writeFileSync(file, of(""));
    const silent = capacity("-t", file, "--json");
    expect(silent.code).toBe(3);
    expect(JSON.parse(silent.out)).toMatchObject({ error: { code: "no-demand" } });
    expect(capacity("-t", `${QQ}/topology.yaml`, "--quality", join(folder, "none")).code).toBe(64);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
