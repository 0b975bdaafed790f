import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { checkTopologyFile, loadTarget, loadTopology } from "../../src/lib/topology/load.js";
import { EXAMPLE } from "./example.js";

const dir = mkdtempSync(join(tmpdir(), "topology-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const file = (name: string, text = "") => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};

describe("a file that cannot be a topology is a problem like any other", () => {
  test("one that does not exist", async () => {
    const { problems } = await checkTopologyFile(join(dir, "nothing.yaml"));
    expect(problems).toMatchObject([
      { rule: "unreadable-file", message: "the file does not exist", line: 1, column: 1 },
    ]);
  });

  test("a directory", async () => {
    const { problems } = await checkTopologyFile(dir);
    expect(problems).toMatchObject([
      { rule: "unreadable-file", message: "the file is a directory" },
    ]);
  });

  test("a pipe, which would block", async () => {
    const pipe = join(dir, "pipe");
    execFileSync("/bin/sh", ["-c", `mkfifo '${pipe}'`]);
    const { problems } = await checkTopologyFile(pipe);
    expect(problems).toMatchObject([
      { rule: "unreadable-file", message: "the file is no regular file" },
    ]);
  });

  test("one of 100 MB, which is not even read", async () => {
    const large = file("large.yaml");
    truncateSync(large, 100_000_000);
    const { problems } = await checkTopologyFile(large);
    expect(problems).toMatchObject([{ rule: "too-large" }]);
  });

  test.skipIf(process.getuid?.() === 0)("one that may not be read", async () => {
    const secret = file("secret.yaml", EXAMPLE);
    chmodSync(secret, 0);
    const { problems } = await checkTopologyFile(secret);
    expect(problems).toMatchObject([
      { rule: "unreadable-file", message: "the file may not be read" },
    ]);
  });

  test("one below a file", async () => {
    const { problems } = await checkTopologyFile(join(file("plain.yaml"), "x.yaml"));
    expect(problems).toMatchObject([{ rule: "unreadable-file" }]);
  });
});

describe("loading", () => {
  test("gives the topology, its text for edits, and warnings", async () => {
    const text = EXAMPLE.replace("primary: e1, replicas: [w1]", "primary: e1");
    const loaded = await loadTopology(file("good.yaml", text));
    expect(loaded.topology.name).toBe("example");
    expect(loaded.text).toBe(text);
    expect(loaded.problems).toMatchObject([{ rule: "region-loss" }]);
  });

  test("throws an OpsError that names the file, whatever is wrong", async () => {
    const wrong = [
      [file("bad.yaml", "a: ["), "invalid-topology", 3],
      [dir, "cannot-read", 64],
      [join(dir, "nothing"), "cannot-read", 64],
    ] as const;
    for (const [path, code, exit] of wrong) {
      const message: unknown = expect.stringContaining(path);
      await expect(loadTopology(path)).rejects.toMatchObject({ code, exit, message });
    }
  });

  test("takes a topology that carries too little, but not as one that something is to become", async () => {
    const short = file("short.yaml", `${EXAMPLE}demand: { onlineUsers: 1.5M }\n`);
    const { topology, problems } = await loadTopology(short);
    expect(topology.demand!.onlineUsers).toBe(1_500_000);
    expect(problems).toMatchObject([
      { rule: "set-capacity", severity: "error", path: "regions.east" },
      { rule: "set-capacity", severity: "error", path: "regions.west" },
    ]);
    await expect(loadTarget(short)).rejects.toMatchObject({
      code: "unfit-topology",
      exit: 3,
      message: expect.stringMatching(/2 errors$/),
    });
    const lowered = "policy: { rules: { set-capacity: { severity: warning, reason: until May } } }";
    const allowed = file("allowed.yaml", `${EXAMPLE}demand: { onlineUsers: 1.5M }\n${lowered}\n`);
    expect((await loadTarget(allowed)).problems).toHaveLength(2);
  });
});
