import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setAgentUrls } from "../../src/lib/topology/edit.js";
import { Expansion } from "./expansion.js";
import { makePlan } from "./make-plan.js";
import { type Shards, topology } from "./topologies.js";

const LONG_MS = 600_000;

/** Each from the one before it. Copies are of whole shards, so whoever gets a part of one holds more than that. */
const FIRST: Shards = { p0: [0, 2000, "a1", "b1"], p1: [2000, 4000, "b2", "a2"] };
const NEXT: readonly (readonly [what: string, shards: Shards])[] = [
  [
    "the replica of a shard becomes the primary of a new one, and the old primary its replica",
    { p0: [0, 2000, "a1", "b1"], p1: [2000, 3000, "b2", "a2"], p2: [3000, 4000, "a2", "b2"] },
  ],
  [
    "a replica takes a part of its shard away, nothing else of it stays where it was, and another moves within its set",
    {
      p0: [0, 1000, "a1", "c1"],
      p3: [1000, 2000, "b1", "a2"],
      p1: [2000, 3000, "b2", "a2"],
      p2: [3000, 4000, "a2", "b1"],
    },
  ],
  [
    "the replica of one shard takes a part of another, of which it has nothing",
    {
      p0: [0, 1000, "a1", "c1"],
      p3: [1000, 2000, "b1", "a2"],
      p1: [2000, 2500, "b2", "a2"],
      p4: [2500, 3000, "c1", "b2"],
      p2: [3000, 4000, "a2", "b1"],
    },
  ],
  [
    "primaries and replicas change places",
    {
      p0: [0, 1000, "c1", "a1"],
      p3: [1000, 2000, "a2", "b1"],
      p1: [2000, 2500, "a2", "b2"],
      p4: [2500, 3000, "b2", "c1"],
      p2: [3000, 4000, "b1", "a2"],
    },
  ],
  [
    "all copies are handed round, over other bounds",
    {
      p0: [0, 700, "a1", "b1"],
      p3: [700, 1800, "b1", "c1"],
      p1: [1800, 2600, "c1", "a2"],
      p4: [2600, 3100, "a2", "b2"],
      p2: [3100, 4000, "b2", "a1"],
    },
  ],
];

let expansion: Expansion;
/** No write is acknowledged before it is in two sets, whoever is moved meanwhile. */
const ACK = { ack: "follower" } as const;
beforeAll(async () => {
  expansion = await Expansion.start({
    ...ACK,
    shards: { before: FIRST, after: NEXT[0]![1] },
  });
  expansion.open();
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

/** Who holds what, one line for each entry. */
async function holders(): Promise<string[]> {
  const nodes = await Promise.all(
    ["a1", "a2", "b1", "b2", "c1"].map(async (node) =>
      (await expansion.entries(node)).map(({ lo, hi, role }) => `${node} ${role} [${lo}, ${hi})`),
    ),
  );
  return nodes.flat();
}

describe("whoever holds more than it gets", { timeout: LONG_MS }, () => {
  it.each(NEXT)("%s", async (_what, after) => {
    const wanted = join(expansion.dir, "next.yaml");
    const plan = join(expansion.dir, "next.json");
    const text = topology(true, { ...ACK, shards: { before: FIRST, after } });
    await writeFile(wanted, setAgentUrls(text, expansion.cluster.urls));
    await makePlan(wanted, plan);

    // There and back, and there again: entries that were cut once must not be what makes it work.
    const before = await holders();
    await expansion.must("shard", "apply", plan, "--yes");
    await expansion.must("shard", "rollback", await expansion.lastRun(), "--yes");
    expect((await holders()).length).toBeGreaterThanOrEqual(before.length);
    await expansion.must("shard", "apply", plan, "--yes");
    await expansion.must("shard", "finalize", await expansion.lastRun(), "--yes");
    const still = await expansion.ops(["shard", "plan", "-t", wanted, "--detailed-exitcode"]);
    expect(still.code).toBe(0);
  });

  it("has lost nothing by all that", async () => {
    const { wrong, acked, checked } = await expansion.verdict();
    expect(wrong).toEqual([]);
    expect(checked).toBe(acked);
  });
});
