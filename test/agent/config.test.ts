import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadConfig } from "../../src/lib/agent/server/config.js";
import { keepRole } from "../../src/lib/agent/server/stored-role.js";
import { primaryStore } from "./store.js";

const dir = mkdtempSync(join(tmpdir(), "ops-config-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function load(more: object) {
  return read(JSON.stringify({ node: "n1", dir: "data", listen: { port: 0 }, ...more }));
}

async function read(text: string) {
  const file = join(dir, "agent.yaml");
  writeFileSync(file, text);
  return loadConfig(file);
}

test("an agent holds data unless its configuration gives it another role", async () => {
  expect(await load({})).toMatchObject({ role: "data", log: { maxBytes: 4 * 1024 ** 3 } });
  expect(await load({ role: "dispatch" })).toEqual({
    node: "n1",
    role: "dispatch",
    dir: join(dir, "data"),
    engine: "embedded",
    listen: { host: "127.0.0.1", port: 0 },
  });
});

test("what is not of its role is refused", async () => {
  await expect(load({ role: "boss" })).rejects.toThrow("role: expected data, dispatch or gateway");
  await expect(load({ role: "dispatch", log: {} })).rejects.toThrow('Unrecognized key: "log"');
});

test("it may be written as YAML or as JSON; what is neither is refused", async () => {
  const yaml = "# of the first node\nnode: n1\ndir: data\nlisten: { port: 0 }\n";
  expect(await read(yaml)).toEqual(await load({}));
  await expect(read('{ "node": "n1", ')).rejects.toThrow("is not an agent configuration");
});

test("a store is of one role, also one from before there were roles", async () => {
  const store = await primaryStore();
  try {
    const dispatch = keepRole(store.engine, dir, "dispatch");
    await expect(dispatch).rejects.toThrow("of an agent of the role data, not dispatch");
    await keepRole(store.engine, dir, "data");
    await store.engine.write((txn) => txn.deleteEntry("p", { lo: 0n, hi: 100n }));
    await keepRole(store.engine, dir, "dispatch");
    const data = keepRole(store.engine, dir, "data");
    await expect(data).rejects.toThrow("of an agent of the role dispatch, not data");
  } finally {
    await store.remove();
  }
});
