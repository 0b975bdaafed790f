import { readFileSync } from "node:fs";
import { join } from "node:path";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ops, root, Sandbox, type Ended } from "./sandbox.js";

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(() => sandbox.remove());

/** The same command line, without and with `--json`. */
function both(...args: string[]): [Ended, Ended] {
  return [sandbox.ops(args), sandbox.ops([...args, "--json"])];
}

describe("a command that works", () => {
  test("prints its data on stdout and the rest on stderr", () => {
    const { code, stdout, stderr } = sandbox.ops(["answer", "sue", "--times", "2"]);
    expect([code, stdout, stderr]).toEqual([0, "hello sue\n", "a note\n"]);
  });

  test("gives one line of JSON, bigints as strings", () => {
    const { code, stdout } = sandbox.ops(["answer", "sue", "--times", "2", "--json"]);
    expect(code).toBe(0);
    expect(stdout).toBe('{"name":"sue","times":2,"position":"18446744073709551615"}\n');
  });

  test("ends with the exit code it set, also under --json", () => {
    const [plain, json] = both("changes");
    expect([plain.code, json.code]).toEqual([2, 2]);
    expect(json.json()).toEqual([{ changes: 3 }]);
  });

  test("takes a shared flag from the environment, and prefers the command line", () => {
    const args = ["topic", "show", "-t", "a.yaml"];
    expect(sandbox.ops(args).stdout).toBe(".ops a.yaml\n");
    expect(sandbox.ops(args, { OPS_STATE: "here" }).stdout).toBe("here a.yaml\n");
    const given = sandbox.ops([...args, "--state", "there"], { OPS_STATE: "here" });
    expect(given.stdout).toBe("there a.yaml\n");
  });
});

describe("wrong usage ends with exit 64", () => {
  const cases: [name: string, args: string[], says: RegExp][] = [
    ["an unknown flag", ["answer", "sue", "--times", "2", "--nope"], /there is no flag --nope/],
    ["a missing flag", ["answer", "sue"], /--times is missing/],
    ["a missing argument", ["answer", "--times", "2"], /NAME is missing/],
    ["a superfluous argument", ["answer", "a", "b", "--times", "2"], /"b" is too much/],
    [
      "a flag that is no number",
      ["answer", "sue", "--times", "two"],
      /--times: expected an integer, not two/,
    ],
    [
      "a flag outside its options",
      ["answer", "sue", "--times", "2", "--size", "x"],
      /--size: x is none of /,
    ],
    ["an unknown command", ["nonsense"], /there is no command "ops nonsense"/],
    ["an unknown topic", ["nonsense", "show"], /there is no command "ops nonsense show"/],
    ["help about an unknown command", ["help", "nonsense"], /nonsense/],
  ];
  test.each(cases)("%s", (_name, args, says) => {
    const [plain, json] = both(...args);
    expect([plain.code, plain.stdout]).toEqual([64, ""]);
    expect(plain.stderr).toMatch(says);
    expect(plain.stderr).toMatch(/^error: .*\nhint: /s);
    expect(plain.stderr).not.toMatch(/^\s+at /m);
    expect(json.code).toBe(64);
    expect(json.json()).toEqual([
      {
        v: 1,
        type: "error",
        error: {
          code: expect.stringMatching(/^(usage|unknown-command)$/) as string,
          message: expect.stringMatching(says) as string,
          hint: expect.any(String) as string,
        },
      },
    ]);
  });

  test("flags that exclude each other", () => {
    const expand = ["shard", "expand", "-t", "x", "--keyspace", "k", "--add", "a=b"];
    const { code, stderr } = ops([...expand, "--out", "y", "--write"]);
    expect([code, stderr]).toEqual([
      64,
      "error: --write excludes --out\nhint: add --help to see what it takes\n",
    ]);
  });

  test("a reason that says nothing", () => {
    const mask = ["schedule", "mask", "x", "-t", "x", "--ttl", "1m", "--reason", " "];
    const { code, stderr } = ops(mask);
    expect([code, stderr]).toEqual([
      64,
      "error: --reason says nothing\nhint: for example --reason 'packet loss at the border'\n",
    ]);
  });

  test("a flag before the command is told apart", () => {
    const { code, stderr } = sandbox.ops(["--json", "answer"]);
    expect(code).toBe(64);
    expect(stderr).toContain("hint: write the command first");
  });

  test.each([
    [["anwser", "x"], "ops answer"],
    [["topic", "shwo"], "ops topic show"],
    [["tpoic", "show"], "ops topic show"],
  ])("the command that was meant is named: %j", (args, meant) => {
    expect(sandbox.ops(args).stderr).toContain(`did you mean "${meant}"?`);
  });
});

describe("a failure", () => {
  test("has the exit code, message and hint of its OpsError", () => {
    const [plain, json] = both("fail", "refused");
    expect([plain.code, plain.stdout]).toEqual([3, ""]);
    expect(plain.stderr).toBe("error: sh-1a refused it\nhint: do it better\n");
    expect([json.code, json.stderr]).toEqual([3, plain.stderr]);
    const error = { code: "not-that-way", message: "sh-1a refused it", hint: "do it better" };
    expect(json.json()).toEqual([
      { v: 1, type: "error", error: { ...error, details: { at: "7" } } },
    ]);
  });

  test.each(["bug", "missing", "text", "later"])("nobody foresaw is a bug, exit 1: %s", (way) => {
    const [plain, json] = both("fail", way);
    expect([plain.code, json.code]).toEqual([1, 1]);
    expect(plain.stderr).toMatch(/^error: internal error: .+\nhint: this is a bug in ops/);
    expect(plain.stderr).not.toMatch(/^\s+at /m);
    expect(json.json()).toMatchObject([{ type: "error", error: { code: "internal" } }]);
  });

  test("of the machine is not called a bug", () => {
    const { code, stderr } = sandbox.ops(["fail", "full"]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      "error: ENOSPC: no space left\nhint: check /data: space, limits and permissions\n",
    );
  });

  test("that nobody awaited still has its exit code", () => {
    expect(sandbox.ops(["fail", "rejection"]).code).toBe(9);
  });

  test("shows its stack only under DEBUG", () => {
    const { code, stderr } = sandbox.ops(["fail", "bug"], { DEBUG: "ops" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^\s+at .*fail\.js/m);
  });
});

describe("a command that streams", () => {
  test("ends with its result", () => {
    const { code, json } = sandbox.ops(["stream", "--json"]);
    expect(code).toBe(0);
    expect(json()).toEqual([
      { v: 1, type: "stage", name: "sync", at: "5" },
      { v: 1, type: "progress", stage: "sync", done: "1", total: "4", unit: "rows" },
      { v: 1, type: "done", message: "copied" },
      { v: 1, type: "result", moved: "12" },
    ]);
  });

  test("ends with its error, with the exit code of the error", () => {
    const { code, json } = sandbox.ops(["stream", "--fail", "--json"]);
    expect(code).toBe(6);
    expect(json().at(-1)).toMatchObject({ v: 1, type: "error", error: { code: "stopped" } });
  });

  test("writes plain lines without a terminal", () => {
    const { stdout, stderr } = sandbox.ops(["stream"]);
    expect(stdout).toBe("");
    expect(stderr).toBe("sync: 1 / 4 rows (25 %)\ncopied\n");
  });
});

describe("without a terminal", () => {
  test("a question needs --yes", () => {
    const [plain, json] = both("ask");
    expect([plain.code, json.code]).toEqual([64, 64]);
    expect(plain.stderr).toContain("hint: pass --yes");
    expect(sandbox.ops(["ask", "--yes"]).stdout).toBe("dropped\n");
  });

  test("nothing is coloured", () => {
    const { stderr } = sandbox.ops(["fail", "refused"], { CI: "true" });
    expect(stderr).not.toContain("\u001b");
  });
});

test("a reader that goes away ends the command quietly", async () => {
  const child = sandbox.start(["chatter"]);
  const stderr = text(child.stderr as Readable);
  await once(child.stdout as Readable, "data");
  child.stdout?.destroy();
  const [code] = (await once(child, "close")) as [number | null];
  expect([code, await stderr]).toEqual([0, "nobody reads\n"]);
});

describe("Ctrl-C", () => {
  test("stops at a safe boundary first, then detaches with exit 8", async () => {
    const child = sandbox.start(["wait"]);
    const lines = (child.stdout as Readable).setEncoding("utf8");
    expect(await once(lines, "data")).toEqual(["ready\n"]);
    child.kill("SIGINT");
    expect(await once(lines, "data")).toEqual(["stopping\n"]);
    child.kill("SIGINT");
    expect((await once(child, "close"))[0]).toBe(8);
  });

  test("does not end a command that has yet to say how its work ended, until it comes a third time", async () => {
    const child = sandbox.start(["end"]);
    const lines = (child.stdout as Readable).setEncoding("utf8");
    let said = "";
    lines.on("data", (text: string) => (said += text));
    await once(lines, "data");
    child.kill("SIGINT");
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([0, null]);
    expect(said).toBe("over\ntold\n");

    const stuck = sandbox.start(["end"]);
    await once(stuck.stdout as Readable, "data");
    // Signals that come while the process is busy may be one to it.
    const again = setInterval(() => stuck.kill("SIGINT"), 20);
    expect(await once(stuck, "close")).toEqual([8, null]);
    clearInterval(again);
  });
});

test("the lock file has the hash of every package, and says of none where it came from", () => {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { integrity?: string; resolved?: string }>;
  };
  const { "": _, ...installed } = packages;
  const odd = Object.entries(installed).filter(
    ([, { integrity, resolved }]) => !integrity?.startsWith("sha512-") || resolved !== undefined,
  );
  expect(odd).toEqual([]);
});

describe("the repository's own bin", () => {
  test("tells its version", () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      version: string;
    };
    expect(ops(["--version"])).toMatchObject({ code: 0, stdout: `ops ${version}\n`, stderr: "" });
  });

  test.each([[[]], [["--help"]], [["help"]]])("shows help, exit 0: %j", (args) => {
    const { code, stdout } = ops(args);
    expect(code).toBe(0);
    expect(stdout).toContain("USAGE");
  });
});
