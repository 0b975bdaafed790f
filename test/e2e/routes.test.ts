import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withReaders } from "../../src/lib/routing/change.js";
import type { RouteTable } from "../../src/lib/routing/table.js";
import { encodeTable } from "../../src/lib/routing/wire.js";
import { KEYSPACE, asAnotherOps, withAgent } from "./another-ops.js";
import { Expansion } from "./expansion.js";

const LONG_MS = 600_000;

let expansion: Expansion;
let run: string;
beforeAll(async () => {
  expansion = await Expansion.start();
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

async function begin(until: string): Promise<void> {
  const args = ["shard", "apply", expansion.plan, "--until", until, "--yes"];
  run = (await expansion.must(...args))["run"] as string;
}

/** Every agent's table of the keyspace. */
async function tables(): Promise<RouteTable[]> {
  const all = await Promise.all(
    Object.keys(expansion.cluster.urls).map((node) =>
      withAgent(expansion, node, async (agent) => (await agent.routes()).tables),
    ),
  );
  return all.flat().filter(({ keyspace }) => keyspace === KEYSPACE);
}

/** Journals the intent of a new table, and dies before anybody has it. */
async function dieWithIntent(): Promise<void> {
  const before = await tables();
  expect((await expansion.ops(["run", "resume", run], "routes.intent")).signal).toBe("SIGKILL");
  expect((await expansion.journal(run)).at(-1)).toMatchObject({
    type: "routes.intent",
    version: before[0]!.version + 1,
  });
  expect(await tables()).toEqual(before);
}

describe("a run whose process died between the intent of a route table and the table", () => {
  it(
    "goes back, to the readers of before at a version that was never used",
    async () => {
      await begin("verify");
      const [before] = await tables();
      await dieWithIntent();
      const back = await expansion.ops(["shard", "rollback", run, "--yes"]);
      expect(back).toMatchObject({ code: 0, json: { outcome: "rolled-back", missing: {} } });
      for (const table of await tables())
        expect(table).toEqual({ ...before, version: before!.version + 2 });
    },
    LONG_MS,
  );

  it(
    "goes on, with that table at that version",
    async () => {
      await begin("verify");
      await dieWithIntent();
      const { version } = (await tables())[0]!;
      const { lines, code } = await expansion.ops(["run", "resume", run]);
      expect(code).toBe(0);
      expect(lines.find(({ type }) => type === "routes")).toMatchObject({ version: version + 1 });
    },
    LONG_MS,
  );
});

describe("an agent with another table of the version that all others get", () => {
  it(
    "gets the next version, and they too",
    async () => {
      await expansion.must("shard", "rollback", run, "--to", "promote-writes", "--yes");
      const [before] = await tables();
      const table = { ...before!, version: before!.version + 1 };
      const other = withReaders(table, [{ lo: 0n, hi: 1n }], []);
      await asAnotherOps(expansion, async (authority, store) => {
        const text = JSON.stringify(encodeTable(table));
        await store.putRoutes(KEYSPACE, { version: table.version, text });
        await withAgent(expansion, "a2", (agent) => agent.putRoutes(other, authority));
      });
      // All that is left is to see that every agent has the routes as they are.
      const end = await expansion.ops(["run", "resume", run]);
      expect(end).toMatchObject({ code: 0, json: { activity: "soaking", missing: {} } });
      for (const held of await tables())
        expect(held).toEqual({ ...before, version: before!.version + 2 });
    },
    LONG_MS,
  );
});
