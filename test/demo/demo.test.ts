import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { OPS } from "../../src/lib/demo/agent-process.js";
import type { DemoFacts } from "../../src/lib/demo/facts.js";

test("the demo expands, rolls back and expands again under writes with an agent killed, and loses nothing", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [OPS, "demo", "--users", "5000", "--json"],
    {
      encoding: "utf8",
      env: { ...process.env, NODE_ENV: "production" },
      timeout: 280_000,
    },
  );
  expect(stderr).toContain("killed sh-db-1 (-9)");
  expect(stderr).toContain("finalized");
  expect(status).toBe(0);
  const facts = JSON.parse(stdout) as DemoFacts;
  expect(facts).toMatchObject({ v: 1, lost: 0, resurrected: 0, rollbacks: 1, kills: 1 });
  expect(facts.acked).toBeGreaterThan(15_000);
  expect(facts.checked).toBe(facts.acked);
  expect(facts.takeovers.length).toBeGreaterThanOrEqual(9);
  expect(facts.rowsMoved).toBeGreaterThan(0);
  expect(facts.nearReads).toBeGreaterThan(0);
}, 300_000);
