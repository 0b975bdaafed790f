import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ops, root } from "./sandbox.js";

const DEMO = join(root, "fixtures/topologies/demo/topology.yaml");
const DIR = mkdtempSync(join(tmpdir(), "ops-names-"));
const FILE = join(DIR, "a-file");
const NEW = join(DIR, "new");
const GONE = join(DIR, "gone");

beforeAll(() => writeFileSync(FILE, "no folder\n"));
afterAll(() => rmSync(DIR, { recursive: true }));

const PLAN_DEMO = ["shard", "plan", "-t", DEMO];
const EXPAND = ["shard", "expand", "-t", DEMO, "--keyspace"];

/** The command line, and what its message names. */
const WRONG: readonly (readonly [args: readonly string[], names: string])[] = [
  [["topology", "check", GONE], GONE],
  [["topology", "show", GONE], GONE],
  [["topology", "show", DIR], DIR],
  [["topology", "diff", DEMO, GONE], GONE],
  [["topology", "drift", "-t", GONE], GONE],
  [["topology", "drift", "-t", DEMO, "--state", FILE], FILE],
  [["agent", "adopt", "-t", GONE, "--yes"], GONE],
  [["topology", "check", "--explain", "no-rule"], "no-rule"],
  [["shard", "plan", "-t", GONE], GONE],
  [[...PLAN_DEMO, "--from", GONE], GONE],
  [[...PLAN_DEMO, "--from", DEMO, "--state", FILE], FILE],
  [[...EXPAND, "no-keyspace", "--add", "p9=sz-db-2"], "no-keyspace"],
  [[...EXPAND, "profile", "--add", "p9=no-node"], "no-node"],
  [["plan", "show", GONE], GONE],
  [["plan", "show", DIR], DIR],
  [["shard", "apply", GONE, "--yes"], GONE],
  [["agent", "serve", "--config", GONE], GONE],
  [["agent", "status", "-t", GONE], GONE],
  [["dev", "up", "-t", GONE, "--dir", NEW], GONE],
  [["dev", "down", "--dir", GONE], GONE],
  [["run", "list", "--state", FILE], FILE],
  [["run", "list", "--state", join(FILE, "deeper")], FILE],
  [["run", "show", "r-gone", "--state", NEW], "r-gone"],
  [["run", "resume", "r-gone", "--state", NEW], "r-gone"],
  [["shard", "rollback", "r-gone", "--yes", "--state", NEW], "r-gone"],
  [["shard", "finalize", "r-gone", "--yes", "--state", NEW], "r-gone"],
  [["run", "rollback", "r-gone", "--yes", "--state", NEW], "r-gone"],
  [["run", "finalize", "r-gone", "--yes", "--state", NEW], "r-gone"],
  [["shard", "verify", "r-gone", "--state", NEW], "r-gone"],
  [["route", "lookup", "no-keyspace", "1", "--state", NEW], "no-keyspace"],
  [["route", "show", "--node", "no-node", "--state", NEW], "no-node"],
];

describe("what is named on the command line and is not there is wrong usage", () => {
  test.each(WRONG)("%j", (args, names) => {
    const { code, stdout, stderr } = ops([...args, "--json"]);
    expect(code).toBe(64);
    expect(stdout + stderr).toContain(names);
    expect(stderr).not.toContain("bug in ops");
  });
});

test("a file where the state has a folder, or the other way round, is told as what it is", () => {
  mkdirSync(join(NEW, "routes", "profile.json"), { recursive: true });
  writeFileSync(join(NEW, "runs"), "no folder\n");
  const list = ops(["run", "list", "--state", NEW, "--json"]);
  expect(list.code).toBe(64);
  expect(list.stdout).toContain(join(NEW, "runs"));
  const show = ops(["route", "show", "--state", NEW, "--json"]);
  expect(show.code).toBe(1);
  expect(show.stdout).toContain("EISDIR");
  expect(show.stderr).not.toContain("bug in ops");
  rmSync(NEW, { recursive: true });
});
