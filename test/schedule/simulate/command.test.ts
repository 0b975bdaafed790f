import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Simulation } from "../../../src/lib/schedule/simulate/simulate.js";
import { EVACUATION } from "./services.js";

const SIMULATED = ["--reason", "rehearsal", "--ttl", "4h", "--simulate"];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ops-simulate-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function schedule(...args: string[]): { code: number | null; out: string; err: string } {
  const file = `${EVACUATION}/topology.yaml`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["bin/run.js", "schedule", ...args, "-t", file, "--reason", "rehearsal"],
    { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
  );
  return { code: status, out: stdout, err: stderr };
}

test("75M users leave a region, told in 80 columns and drawn: no agent is asked", async () => {
  const chart = join(folder, "chart.svg");
  const flags = ["--mode", "weak", "--ttl", "4h", "--simulate", "--chart", chart];
  const quality = ["--quality", `${EVACUATION}/quality.yaml`];
  const { code, out, err } = schedule("disable", "tianjin", ...flags, ...quality);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  await expect(out).toMatchFileSnapshot(`../../../${EVACUATION}/disable-tianjin.txt`);

  const svg = readFileSync(chart, "utf8");
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" [^<]*>\n/);
  // Nine sites, users and logins.
  expect(svg.match(/<polyline /g)).toHaveLength(18);
  expect(svg).toContain(">users online</text>");
  expect(svg).toContain(">minutes</text>");
  expect(svg).not.toMatch(/<script|NaN|Infinity|undefined/);
  expectWhole(svg);
});

/** Every element is closed, in its order. */
function expectWhole(markup: string): void {
  const open: string[] = [];
  for (const [, slash, name, rest] of markup.matchAll(/<(\/?)(\w+)([^>]*)>/g)) {
    if (slash === "/") expect(open.pop()).toBe(name);
    else if (!rest!.endsWith("/")) open.push(name!);
  }
  expect(open).toEqual([]);
}

test("by the name of its file a simulation is a page, too, with all that the terminal says", () => {
  const file = join(folder, "drain.html");
  const { code, out } = schedule("drain", "tj-2-a", "--ttl", "4h", "--simulate", "--chart", file);
  expect(code).toBe(0);
  const html = readFileSync(file, "utf8");
  expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
  expect(html).toContain("<title>Simulation: drain tj-2-a</title>");
  expect(html.match(/<polyline /g)!.length).toBeGreaterThan(10);
  for (const said of out.split("\n").filter((line) => /^ {2}\d\d:\d\d/.test(line)))
    expect(html).toContain(said.slice(12, 40).replace(/->/g, "-&gt;"));
  expectWhole(html.replace(/<meta [^>]*>/, ""));
  const named = schedule("drain", "tj-2-a", "--ttl", "4h", "--simulate", "--chart", "drain.png");
  expect(named).toMatchObject({ code: 64, out: "" });
  expect(named.err).toMatch(/--chart drain\.png .*\n.*hint: let its name end with \.svg or \.html/);
});

test("a chart that cannot be written is told before anything is simulated", () => {
  const disable = ["disable", "tianjin", "--mode", "weak", "--ttl", "4h", "--simulate", "--chart"];
  writeFileSync(join(folder, "file"), "");
  mkdirSync(join(folder, "folder.svg"));
  for (const [chart, why] of [
    [join(folder, "missing", "chart.svg"), "ENOENT"],
    [join(folder, "file", "chart.svg"), "ENOTDIR"],
    [join(folder, "folder.svg"), "EISDIR"],
  ] as const) {
    const { code, out, err } = schedule(...disable, chart);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(`cannot be written: ${why}`);
  }
});

test("what does not end well ends with 3, and --json has it all", () => {
  const unpaced = ["--mode", "strong", "--pace", "unpaced", "--override", "login-rate"];
  const { code, out } = schedule(
    "disable",
    "tj-2-a",
    ...unpaced,
    "--ttl",
    "4h",
    "--simulate",
    "--json",
  );
  expect(code).toBe(3);
  const { simulation } = JSON.parse(out) as { simulation: Simulation };
  expect(simulation.ended.how).toBe("stopped");
  expect(simulation.mostOfLimit).toBe(1);
  const { online, logins } = simulation.sites[0]!;
  expect(online).toHaveLength(Math.ceil(simulation.simulatedSeconds / simulation.everySeconds) + 1);
  expect(logins).toHaveLength(online.length);
});

test("a mask that would leave too little room is refused as on live agents", () => {
  const refused = schedule("mask", "tianjin", "shenzhen", "--ttl", "1h", "--simulate");
  expect(refused).toMatchObject({ code: 3, out: "" });
  expect(refused.err).toContain("room: ");
  expect(schedule("mask", "tianjin", "--ttl", "1h", "--chart", "x.svg").code).toBe(64);
});

test("a drill, a shift and a drain are simulated as they are given; a drill tells its peak", () => {
  const quality = ["--quality", `${EVACUATION}/quality.yaml`, "--simulate"];
  const drill = schedule("drill", "tj-2-a", "--up-to", "30%", ...quality);
  expect(drill).toMatchObject({ code: 0, err: "" });
  expect(drill.out).toMatch(
    /^ {2}tj-2-a +[\d.]+M -> 18\.0M -> [\d.]+M users +\d+% -> 30% -> \d+%/m,
  );
  expect(drill.out).toMatch(/users, and back; /);
  const idle = schedule("drill", "tj-2-a", "--up-to", "1%", ...quality);
  expect(idle.out).toBe("tj-2-a has 1% or more of what it is rated for already\n");
  expect(schedule("drill", "tj-2-a", "--up-to", "0%", ...quality).code).toBe(64);
  const shift = ["--from", "tj-2-a", "--to", "sz-1-a", "--users", "1M"];
  expect(schedule("shift", ...shift, ...quality).out).toContain("moved: 1.0M of 1.0M users");
  expect(schedule("drain", "tj-2-a", "--ttl", "4h", ...quality).out).toMatch(/-> 0 users/);
});

test("of a region the writes are told as well: which takeovers, and which would stay", () => {
  const file = `${EVACUATION}/topology.yaml`;
  const evacuated = (topology: string, ...args: string[]) =>
    spawnSync(
      process.execPath,
      ["bin/run.js", "region", "evacuate", "tianjin", "-t", topology, ...SIMULATED, ...args],
      { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
    );
  const out = evacuated(file);
  expect(out).toMatchObject({ status: 0, stderr: "" });
  expect(out.stdout).toMatch(
    /^Writes, as the file has them.*\n {2}2 takeovers from tj-1-a-profile, before users are told\n/,
  );
  expect(out.stdout).toContain("\n\nSimulation: weak tj-1-a, tj-1-b, tj-2-a\n");
  const alone = join(folder, "alone.yaml");
  const text = readFileSync(file, "utf8").replace(
    "primary: tj-1-a-profile, replicas: [sh-1-a-profile, sz-1-a-profile]",
    "primary: tj-1-a-profile, replicas: []",
  );
  writeFileSync(alone, text);
  const stays = evacuated(alone, "--json");
  expect(stays.status).toBe(6);
  expect(JSON.parse(stays.stdout)).toMatchObject({
    writes: {
      plan: null,
      stays: [{ node: "tj-1-a-profile", why: "there is no replica elsewhere" }],
    },
    simulation: { ended: { how: "done" } },
  });
});
