import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { OPS } from "../../src/lib/demo/agent-process.js";
import type { DemoFacts } from "../../src/lib/demo/facts.js";

const SESSIONS = 600;
const LONG_MS = 200_000;

const place = mkdtempSync(join(tmpdir(), "ops-evacuation-"));
const env = { ...process.env, NODE_ENV: "production" };
afterAll(() => {
  // Where a test failed before it did that itself.
  const kept = join(place, ".ops-demo-users");
  spawnSync(process.execPath, [OPS, "dev", "down", "--dir", kept], { env });
  rmSync(place, { recursive: true, force: true });
});

let told = "";

test(
  "a region is left while its gateway is killed, and gets its users back, and none is without a session for ever",
  { timeout: LONG_MS },
  () => {
    const args = ["demo", "--scenario", "evacuate", "--sessions", String(SESSIONS), "--keep"];
    const { status, stdout, stderr } = spawnSync(process.execPath, [OPS, ...args, "--json"], {
      encoding: "utf8",
      env,
      cwd: place,
      timeout: LONG_MS,
    });
    told = stderr;
    expect(stderr).toContain("killed sh-gateway (-9)");
    expect(stderr).toContain("the mask stays");
    expect(stderr).toContain("strongly disabled, with sh-gateway silent");
    expect(stderr).toMatch(/restored after .*: \d+ users at sh-1-a/);
    expect(status).toBe(0);
    const facts = JSON.parse(stdout) as DemoFacts;
    expect(Object.keys(facts)).toEqual(["v", "evacuation"]);
    expect(facts.evacuation).toEqual({
      sessions: SESSIONS,
      moved: expect.any(Number) as number,
      failedLogins: expect.any(Number) as number,
      strandedForEver: 0,
      peakLoginRate: expect.any(Number) as number,
      loginLimit: 140,
      seconds: expect.any(Number) as number,
      boundSeconds: expect.any(Number) as number,
    });
    const { moved, peakLoginRate, boundSeconds } = facts.evacuation!;
    expect(moved).toBeGreaterThan(SESSIONS / 5);
    expect(peakLoginRate).toBeLessThanOrEqual(140);
    expect(boundSeconds).toBeGreaterThan(0);
  },
);

test(
  "what it says can be typed next works as it stands, with people who log in",
  { timeout: LONG_MS },
  () => {
    const [play = "", end = ""] = told.split("To play on:\n")[1]?.split("To end it: ") ?? [];
    expect(play).toContain("ops dev people");
    // It ends when the people have, who run in the background: they find nobody any more.
    const { status, stdout, stderr } = spawnSync("bash", ["-e", "-c", `${play}\n${end}`], {
      encoding: "utf8",
      env,
      cwd: "/",
      timeout: LONG_MS,
    });
    expect([status, stderr]).toEqual([0, expect.stringContaining("applied") as string]);
    expect(stdout).toMatch(/500 of 500 connected; sh-1-a \d+, sz-1-a \d+, tj-1-a \d+/);
    expect(stdout).toMatch(/\d+ moved when told to/);
    expect(readdirSync(place)).toEqual([]);
  },
);
