import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "./sandbox.js";

const IMPORTS = "layers(imports)";
const GLOBALS = "eslint(no-restricted-globals)";
const PROPERTIES = "eslint(no-restricted-properties)";

/** A file, what it says, and the rule that must object. */
const forbidden: [file: string, code: string, rule: string][] = [
  // Never upwards.
  ["src/lib/errors.ts", "import '../cli/json.js';", IMPORTS],
  ["src/lib/keyspace/a.ts", "import '../topology/a.js';", IMPORTS],
  ["src/lib/keyspace/b.ts", "import '../routing/a.js';", IMPORTS],
  ["src/lib/topology/a.ts", "import '../plan/a.js';", IMPORTS],
  ["src/lib/topology/b.ts", "import '../routing/a.js';", IMPORTS],
  ["src/lib/routing/a.ts", "import '../topology/a.js';", IMPORTS],
  ["src/lib/plan/a.ts", "import '../run/a.js';", IMPORTS],
  ["src/lib/plan/b.ts", "import '../agent/client/a.js';", IMPORTS],
  ["src/lib/plan/c.ts", "import '../ownership/a.js';", IMPORTS],
  ["src/lib/ownership/a.ts", "import '../engines/a.js';", IMPORTS],
  ["src/lib/ownership/b.ts", "import '../agent/protocol/a.js';", IMPORTS],
  ["src/lib/schedule/a.ts", "import '../plan/a.js';", IMPORTS],
  ["src/lib/schedule/b.ts", "import '../run/a.js';", IMPORTS],
  ["src/lib/engines/a.ts", "import '../agent/server/a.js';", IMPORTS],
  ["src/lib/engines/embedded/a.ts", "import '../postgres/a.js';", IMPORTS],
  ["src/lib/access/a.ts", "import '../schedule/a.js';", IMPORTS],
  ["src/lib/agent/protocol/a.ts", "import '../client/a.js';", IMPORTS],
  ["src/lib/agent/client/a.ts", "import '../server/a.js';", IMPORTS],
  ["src/lib/agent/client/b.ts", "import '../../run/a.js';", IMPORTS],
  ["src/lib/agent/server/a.ts", "import '../../run/a.js';", IMPORTS],
  ["src/lib/agent/server/b.ts", "import '../../topology/a.js';", IMPORTS],
  ["src/lib/client/a.ts", "import '../agent/client/a.js';", IMPORTS],
  ["src/lib/client/b.ts", "import '../topology/a.js';", IMPORTS],
  ["src/lib/state/a.ts", "import '../run/a.js';", IMPORTS],
  ["src/lib/run/a.ts", "import '../agent/server/a.js';", IMPORTS],
  ["src/lib/run/b.ts", "import '../report/a.js';", IMPORTS],
  ["src/lib/run/c.ts", "import '../cli/json.js';", IMPORTS],
  ["src/lib/report/a.ts", "import '../cli/table.js';", IMPORTS],
  ["src/lib/demo/a.ts", "import '../run/a.js';", IMPORTS],
  ["src/lib/demo/b.ts", "import '../cli/progress.js';", IMPORTS],
  ["src/lib/cli/a.ts", "import '../run/a.js';", IMPORTS],
  ["src/lib/cli/c.ts", "import '../console/a.js';", IMPORTS],
  ["src/lib/demo/d.ts", "import '../console/a.js';", IMPORTS],
  ["src/lib/console/a.ts", "import '../agent/client/a.js';", IMPORTS],
  ["src/lib/figures.ts", "import './errors.js';", IMPORTS],
  ["src/hooks/a.ts", "import '../commands/a.js';", IMPORTS],
  // However it is written.
  ["src/lib/plan/d.ts", "import type { A } from '../run/a.js'; export type B = A;", IMPORTS],
  ["src/lib/plan/e.ts", "export { a } from '../run/a.js';", IMPORTS],
  ["src/lib/plan/f.ts", "export * from '../run/a.js';", IMPORTS],
  ["src/lib/plan/g.ts", "export const a = await import('../run/a.js');", IMPORTS],
  ["src/lib/plan/h.ts", "export type A = import('../run/a.js').A;", IMPORTS],
  ["src/lib/plan/i.ts", "import '../../../src/lib/run/a.js';", IMPORTS],
  ["src/lib/plan/j.ts", "import '../topology/../run/a.js';", IMPORTS],
  ["src/lib/run/d.ts", "export const a = (x: string) => import(x);", IMPORTS],
  ["src/lib/run/e.ts", "import '../../../dist/lib/cli/json.js';", IMPORTS],
  ["src/lib/run/f.ts", "import '../nowhere/a.js';", IMPORTS],
  ["src/lib/nowhere/a.ts", "export {};", IMPORTS],
  ["src/lib/run/g.ts", "import 'node:module';", "eslint(no-restricted-imports)"],
  // Packages.
  ["src/lib/run/h.ts", "import 'undici';", IMPORTS],
  ["src/lib/plan/k.ts", "import 'yaml';", IMPORTS],
  ["src/lib/plan/l.ts", "import 'yaml/util';", IMPORTS],
  ["src/lib/run/i.ts", "export const a = await import('ora');", IMPORTS],
  ["src/lib/report/b.ts", "import 'chalk';", IMPORTS],
  ["src/lib/demo/c.ts", "import '@oclif/core';", IMPORTS],
  ["src/lib/engines/b.ts", "import 'lmdb';", IMPORTS],
  ["src/lib/agent/server/c.ts", "import 'lmdb';", IMPORTS],
  ["src/lib/engines/redis/a.ts", "import 'lmdb';", IMPORTS],
  ["src/lib/cli/b.ts", "import 'undici';", IMPORTS],
  ["src/commands/a.ts", "import 'undici';", IMPORTS],
  ["src/lib/client/c.ts", "import 'setwise/client';", IMPORTS],
  // Pure folders.
  ["src/lib/keyspace/c.ts", "import 'node:fs';", IMPORTS],
  ["src/lib/routing/b.ts", "import 'node:timers/promises';", IMPORTS],
  ["src/lib/plan/m.ts", "import 'node:crypto';", IMPORTS],
  ["src/lib/plan/n.ts", "import 'fs';", IMPORTS],
  ["src/lib/plan/hash.ts", "import 'node:fs';", IMPORTS],
  ["src/lib/topology/rules/a.ts", "import 'node:fs';", IMPORTS],
  ["src/lib/report/c.ts", "import 'node:os';", IMPORTS],
  ["src/lib/ownership/c.ts", "export const a = Date.now();", GLOBALS],
  ["src/lib/plan/o.ts", "export const a = new Date();", GLOBALS],
  ["src/lib/plan/p.ts", "export const a = Math.random();", PROPERTIES],
  ["src/lib/routing/c.ts", "export const a = process.env;", GLOBALS],
  ["src/lib/report/d.ts", "export const a = performance.now();", GLOBALS],
  ["src/lib/schedule/c.ts", "export const a = crypto.randomUUID();", GLOBALS],
  ["src/lib/ownership/d.ts", "setTimeout(() => {}, 1);", GLOBALS],
  ["src/lib/keyspace/d.ts", "export const a = globalThis;", GLOBALS],
  ["src/lib/topology/rules/b.ts", "export const a = Date.now();", GLOBALS],
];

const allowed: [file: string, code: string][] = [
  ["src/lib/topology/ok-a.ts", "import '../keyspace/a.js';"],
  ["src/lib/topology/ok-b.ts", "import 'yaml';"],
  ["src/lib/topology/ok-c.ts", "import './rules/a.js';"],
  ["src/lib/routing/ok-a.ts", "import '../keyspace/a.js';"],
  ["src/lib/plan/ok-a.ts", "import '../topology/a.js'; import '../routing/a.js';"],
  ["src/lib/plan/ok-b.ts", "import './steps/a.js'; import '../errors.js';"],
  ["src/lib/schedule/ok-a.ts", "import '../plan/types.js';"],
  ["src/lib/access/ok-a.ts", "import '../policy/a.js';"],
  ["src/lib/engines/ok-a.ts", "export const a = await import('./embedded/a.js');"],
  ["src/lib/engines/embedded/ok-a.ts", "import 'lmdb'; import '../contract.js';"],
  ["src/lib/agent/server/ok-a.ts", "import '../client/a.js'; import '../../ownership/a.js';"],
  ["src/lib/agent/client/ok-a.ts", "import '../protocol/a.js'; import 'undici';"],
  ["src/lib/client/ok-a.ts", "import '../routing/a.js'; import '../agent/protocol/a.js';"],
  ["src/lib/run/ok-a.ts", "import '../plan/a.js'; import '../agent/client/a.js';"],
  ["src/lib/run/ok-b.ts", "import '../state/file/a.js'; import 'node:fs';"],
  ["src/lib/run/ok-c.ts", "export const a = Date.now() + Math.random();"],
  ["src/lib/report/ok-a.ts", "import '../plan/a.js'; import '../run/a.js';"],
  ["src/lib/demo/ok-a.ts", "import '../client/a.js'; import '../agent/server/a.js';"],
  ["src/lib/cli/ok-a.ts", "import '@oclif/core'; import 'chalk'; import '../errors.js';"],
  ["src/lib/console/ok-a.ts", "import '../cli/a.js'; import '../run/a.js'; import '../demo/a.js';"],
  ["src/commands/shard/ok-a.ts", "import '../../lib/run/a.js'; import '@oclif/core';"],
];

interface Finding {
  code: string;
  filename: string;
}

let copy: string;
let found: Map<string, string[]>;

beforeAll(() => {
  copy = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "ops-layers-")));
  for (const path of [".oxlintrc.json", "tsconfig.json", "package.json", "scripts"]) {
    fs.cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  fs.symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "dir");
  for (const [file, code] of [...forbidden, ...allowed]) {
    fs.mkdirSync(dirname(join(copy, file)), { recursive: true });
    fs.writeFileSync(join(copy, file), `${code}\n`);
  }
  found = lint();
});
afterAll(() => fs.rmSync(copy, { recursive: true }));

/** The rules that object, by file. */
function lint(): Map<string, string[]> {
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
  const args = [oxlint, "--format", "json", "src"];
  const { stdout } = spawnSync(process.execPath, args, { cwd: copy, encoding: "utf8" });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: Finding[] };
  const byFile = new Map<string, string[]>();
  for (const { filename, code } of diagnostics) {
    byFile.set(filename, [...(byFile.get(filename) ?? []), code]);
  }
  return byFile;
}

test.each(forbidden)("%s must not say: %s", (file, _code, rule) => {
  expect(found.get(file)).toContain(rule);
});

test.each(allowed)("%s may say: %s", (file) => {
  const rules = [IMPORTS, GLOBALS, PROPERTIES, "eslint(no-restricted-imports)"];
  expect((found.get(file) ?? []).filter((rule) => rules.includes(rule))).toEqual([]);
});

describe("the graph that the configuration writes down", () => {
  interface Layer {
    layers?: string[];
  }
  const { overrides } = JSON.parse(fs.readFileSync(join(root, ".oxlintrc.json"), "utf8")) as {
    overrides: { rules: { "layers/imports"?: [string, Record<string, Layer>] } }[];
  };
  const graph = overrides.flatMap(({ rules }) => rules["layers/imports"]?.[1] ?? [])[0] ?? {};

  /** `src/lib/agent/client` of `src/lib/agent/client/x`; other folders count as one. */
  function folder(layer: string): string {
    return /^src\/lib\/agent\/\w+|^src\/lib\/[\w.]+|^src\/\w+/.exec(layer)?.[0] ?? layer;
  }

  test("has no way back up", () => {
    const edges = new Map<string, Set<string>>();
    for (const [from, { layers = [] }] of Object.entries(graph)) {
      // Commands may use all of src/lib, which uses none of them.
      if (from.startsWith("src/commands")) continue;
      const targets = layers.flatMap((to: string) =>
        Object.keys(graph).filter((layer) => layer === to || layer.startsWith(`${to}/`)),
      );
      const set = edges.get(folder(from)) ?? new Set();
      for (const to of targets) if (folder(to) !== folder(from)) set.add(folder(to));
      edges.set(folder(from), set);
    }
    const path: string[] = [];
    const done = new Set<string>();
    function visit(node: string): void {
      expect(path, "a circle").not.toContain(node);
      if (done.has(node)) return;
      path.push(node);
      for (const next of edges.get(node) ?? []) visit(next);
      path.pop();
      done.add(node);
    }
    for (const node of edges.keys()) visit(node);
    expect(done.size).toBeGreaterThan(15);
  });
});
