import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { checkPlan } from "../../src/lib/plan/check/index.js";
import type { ShardPlan } from "../../src/lib/plan/types.js";
import { hashOf } from "../../src/lib/plan/hash.js";
import { DEFAULT_SETTINGS } from "../../src/lib/routing/settings.js";
import { decodePlan, decodeStoredPlan } from "../../src/lib/plan/encode.js";

// As version 1 wrote it.
const text = await readFile(new URL("plan-of-version-1.json", import.meta.url), "utf8");
const { hash } = JSON.parse(text) as { hash: string };

function stored(plan: string): ShardPlan {
  const read = decodeStoredPlan(plan, "the plan of r-1");
  assert(read.kind === "shards");
  return read;
}

it("a plan of version 1 is refused as a file, and read where a run of it was begun, under its own name", () => {
  expect(() => decodePlan(text, "plan.json")).toThrow(
    expect.objectContaining({ code: "plan/version", exit: 3 }),
  );
  const plan = stored(text);
  expect(plan).toMatchObject({ v: 2, hash });
  expect(plan.stages.length).toBeGreaterThan(5);
  expect(checkPlan(plan).map(({ rule }) => rule)).toEqual(["fingerprints", "fingerprints"]);
});

it("a plan of version 1 from before there were settings is read too", () => {
  const { hash: _, ...plan } = JSON.parse(text) as { keyspaces: { settings?: unknown }[] } & Record<
    string,
    unknown
  >;
  for (const keyspace of plan.keyspaces) delete keyspace.settings;
  const older = JSON.stringify({ ...plan, hash: hashOf(plan) });
  expect(stored(older).keyspaces[0]!.settings.after).toEqual(DEFAULT_SETTINGS);
});

it("a plan of version 1 that was changed is refused", () => {
  const changed = text.replace('"perNode": ', '"perNode": 1');
  expect(changed).not.toBe(text);
  expect(() => decodeStoredPlan(changed, "the plan of r-1")).toThrow(
    expect.objectContaining({ code: "plan/tampered", exit: 3 }),
  );
});
