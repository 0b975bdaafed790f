import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const FOLDER = "fixtures/topologies";

function ops(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["bin/run.js", "topology", ...args],
    {
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    },
  );
  return { code: status, out: stdout, err: stderr };
}

test("check lists every problem of every file and ends with 3, or with 64 where one is not there", () => {
  const { code, out } = ops(
    "check",
    `${FOLDER}/two-documents/topology.yaml`,
    `${FOLDER}/demo/topology.yaml`,
    "nothing.yaml",
  );
  expect(code).toBe(64);
  expect(out).toContain(`${FOLDER}/two-documents/topology.yaml:4:1: error: `);
  expect(out).toContain(
    `${FOLDER}/demo/topology.yaml: ok, 3 regions, 3 sets, 7 nodes, 2 keyspaces, 4 shards`,
  );
  expect(out).toContain("nothing.yaml:1:1: error: the file does not exist [unreadable-file]");
});

test("check --json has the same as data, and the same exit code", () => {
  const { code, out } = ops("check", "--json", `${FOLDER}/two-documents/topology.yaml`);
  expect(code).toBe(3);
  expect(JSON.parse(out)).toMatchObject({
    v: 1,
    ok: false,
    files: [
      { ok: false, problems: [{ rule: "multiple-documents", line: 4, column: 1, source: "---" }] },
    ],
  });
});

test("check ends with 0 where all is well", () => {
  expect(ops("check", `${FOLDER}/qq-three-regions/topology.yaml`).code).toBe(0);
});

test("check says in one line that capacity was not checked, and tells errors of capacity apart from none", () => {
  const { out } = ops("check", `${FOLDER}/two-shards/topology.yaml`);
  expect(out.split("\n")).toContain(
    `${FOLDER}/two-shards/topology.yaml: capacity was not checked: there is no \`demand\``,
  );
  const short = ops("check", `${FOLDER}/set-capacity/topology.yaml`);
  expect(short.code).toBe(3);
  expect(short.out).not.toContain(": ok");
  expect(short.out).toContain("one-region is off here, usually");
  expect(
    JSON.parse(ops("check", "--json", `${FOLDER}/set-capacity/topology.yaml`).out),
  ).toMatchObject({
    ok: false,
    files: [
      {
        ok: false,
        problems: [
          { rule: "set-capacity" },
          { rule: "set-capacity", path: "regions.east.idcs.east-1" },
        ],
        exceptions: [{ rule: "one-region", severity: "off" }],
        unchecked: [
          expect.stringContaining("`demand.perUser`"),
          expect.stringContaining("there is no `load`"),
        ],
      },
    ],
  });
  expect(ops("check", `${FOLDER}/one-region/topology.yaml`).code).toBe(0);
});

test("a plan may leave a topology that carries too little, but not make one", () => {
  const short = `${FOLDER}/set-capacity/topology.yaml`;
  const dir = mkdtempSync(join(tmpdir(), "plan-"));
  const fit = join(dir, "fit.yaml");
  writeFileSync(
    fit,
    readFileSync(short, "utf8")
      .replace("onlineUsers: 120M", "onlineUsers: 90M")
      .replace("50k", "30k"),
  );
  const plan = (from: string, to: string) =>
    spawnSync(process.execPath, ["bin/run.js", "shard", "plan", "--from", from, "-t", to], {
      encoding: "utf8",
      cwd: process.cwd(),
    });
  expect(plan(short, fit).status).toBe(0);
  expect(plan(fit, short)).toMatchObject({
    status: 3,
    stdout: "",
    stderr: expect.stringContaining("without region east: 120M users online needed"),
  });
  rmSync(dir, { recursive: true, force: true });
});

test("a topology that carries too little is shown and compared as any other", () => {
  const [short, other] = [`${FOLDER}/set-capacity/topology.yaml`, `${FOLDER}/demo/topology.yaml`];
  expect(ops("check", short).code).toBe(3);
  expect(ops("show", short)).toMatchObject({ code: 0, err: "" });
  expect(ops("diff", other, short, "--detailed-exitcode").code).toBe(2);
  expect(ops("diff", short, short)).toMatchObject({ code: 0, out: "no differences\n" });
});

test("check --explain says what a rule is for, without a file", () => {
  expect(ops("check", "--explain", "gap")).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^gap\n {2}checks {4}The segments [^]*b: { segments: \[600/),
  });
  expect(JSON.parse(ops("check", "--explain", "gap", "--json").out)).toMatchObject({
    v: 1,
    rule: { id: "gap", severity: "error", adjustable: false },
  });
  expect(ops("check", "--explain", "overlaps")).toMatchObject({
    code: 64,
    err: expect.stringContaining("did you mean overlap?"),
  });
  expect(ops("check").code).toBe(64);
  expect(ops("check", "--explain", "gap", `${FOLDER}/demo/topology.yaml`).code).toBe(64);
});

test("show draws the map, and refuses a broken topology with all its problems", () => {
  const good = ops("show", `${FOLDER}/two-shards/topology.yaml`);
  expect(good).toMatchObject({
    code: 0,
    out: expect.stringContaining("a  ████████████████················"),
  });
  const bad = ops("show", `${FOLDER}/tabs/topology.yaml`);
  expect(bad).toMatchObject({
    code: 3,
    out: "",
    err: expect.stringContaining("topology.yaml:7:1: error: tabs"),
  });
});

test("diff ends with 2 for differences only where that is asked for", () => {
  const files = [`${FOLDER}/demo/topology.yaml`, `${FOLDER}/demo/expanded.yaml`];
  expect(ops("diff", ...files)).toMatchObject({
    code: 0,
    out: expect.stringContaining("50k..100k  p0 -> p2"),
  });
  expect(ops("diff", ...files, "--detailed-exitcode").code).toBe(2);
  expect(ops("diff", files[0]!, files[0]!, "--detailed-exitcode")).toMatchObject({
    code: 0,
    out: "no differences\n",
  });
  expect(JSON.parse(ops("diff", ...files, "--json").out)).toMatchObject({
    changes: [
      { kind: "shard-added" },
      { kind: "segment-moved", segment: { lo: "50000", hi: "100000" } },
    ],
  });
});
