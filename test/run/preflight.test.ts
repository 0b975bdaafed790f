import { describe, expect, it } from "vitest";
import type { ShardPlan, ShardStep } from "../../src/lib/plan/types.js";
import { peersOf } from "../../src/lib/run/steps/preflight-paths.js";
import { type Demand, demandOn, judgeRoom } from "../../src/lib/run/steps/preflight-room.js";

const GB = 1e9;
const keyspace = "profile";
const segments = [{ lo: 0n, hi: 10n }];

/** Half of `a1` goes to `a2`, whose replica `b2` copies from `b1`; `b3` follows from now on the new writer. */
const STEPS: readonly ShardStep[] = [
  link("a2", "a1", 20n * 10n ** 9n, 10e6),
  link("b2", "b1", 10n ** 9n, null),
  {
    id: "t",
    kind: "takeover",
    keyspace,
    segments,
    node: "a2",
    from: "a1",
    shard: "p1",
    shardBefore: "p0",
    budgetMs: 500,
  },
  { id: "r", kind: "repoint", keyspace, segments, node: "b3", source: "a2" },
  { id: "v", kind: "verify", keyspace, segments, node: "c1" },
];
const PLAN = { stages: [{ waves: [STEPS] }] } as unknown as ShardPlan;

function link(
  node: string,
  source: string,
  bytes: bigint,
  bytesPerSecond: number | null,
): ShardStep {
  return {
    id: `l-${node}`,
    kind: "link",
    keyspace,
    segments,
    node,
    source,
    purpose: "move",
    bytes,
    bytesPerSecond,
  };
}

describe("the ways that must be open", () => {
  it("are those of every copy, takeover and repoint, in both directions", () => {
    expect(peersOf(PLAN, "a1")).toEqual(["a2"]);
    expect(peersOf(PLAN, "a2")).toEqual(["a1", "b3"]);
    expect(peersOf(PLAN, "b2")).toEqual(["b1"]);
    expect(peersOf(PLAN, "b1")).toEqual(["b2"]);
    expect(peersOf(PLAN, "b3")).toEqual(["a2"]);
    expect(peersOf(PLAN, "c1")).toEqual([]);
  });
});

describe("what a plan asks of a node", () => {
  it("is what is copied to it, and the slowest copy from it", () => {
    expect(demandOn(PLAN, "a2", 0)).toMatchObject({
      bytesIn: 20 * GB,
      copiesOut: 0,
      copySeconds: 0,
    });
    expect(demandOn(PLAN, "a1", 5)).toMatchObject({
      bytesIn: 0,
      bytesOut: 20 * GB,
      copySeconds: 2_000,
      copiesOut: 1,
      writesPerSecond: 5,
    });
    // Without a limit: as fast as the estimate of the plan says.
    expect(demandOn(PLAN, "b1", 0).copySeconds).toBe(20);
  });
});

describe("a node", () => {
  it("with room for everything has nothing against it", () => {
    expect(judge({ bytesIn: 20 * GB })).toMatchObject({ problems: [], notes: [] });
    expect(judge({ bytesOut: 20 * GB, copySeconds: 2_000, writesPerSecond: 1_000 })).toMatchObject({
      problems: [],
      notes: [],
      facts: { logNeededBytes: 200_000_000 },
    });
  });

  it("whose disk is too small is refused, with what it has and needs", () => {
    const { problems } = judge({ bytesIn: 80 * GB });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      /^n1 has 93\.1 GiB free on its disk and needs 96\.9 GiB: .*plan with another node$/,
    );
  });

  it("counts the log and the pages that a copy from it keeps as room", () => {
    const full = { diskFreeBytes: 0.5 * GB };
    const copy = { bytesOut: 20 * GB, copySeconds: 2_000, copiesOut: 1 };
    expect(judge(copy, full).problems).toEqual([]);
    expect(judge({ ...copy, writesPerSecond: 5_000 }, full).problems[0]).toContain(
      "954 MiB for the change log, 78.1 MiB for pages",
    );
  });

  it("that will be nearly full is told of", () => {
    expect(judge({ bytesIn: 70 * GB })).toMatchObject({
      problems: [],
      notes: [expect.stringContaining("less than a tenth")],
    });
  });

  it("whose log clearly cannot last for the copy is refused, and where that is uncertain it is told", () => {
    const copy = { bytesOut: 20 * GB, copySeconds: 2_000, copiesOut: 1 };
    const small = { maxBytes: 100e6 };
    expect(judge({ ...copy, writesPerSecond: 100 }, {}, small)).toMatchObject({
      problems: [],
      notes: [],
    });
    expect(judge({ ...copy, writesPerSecond: 500 }, {}, small)).toMatchObject({
      problems: [],
      notes: [expect.stringContaining("the copy begins anew")],
    });
    const { problems } = judge({ ...copy, writesPerSecond: 2_000 }, {}, small);
    expect(problems[0]).toMatch(
      /^n1 keeps at most 95\.4 MiB of its change log, .*raise log\.maxBytes/,
    );
  });

  it("without memory to copy is refused, with little of it told of", () => {
    expect(judge({ bytesIn: GB }, { memoryFreeBytes: 10e6 }).problems[0]).toContain("memory");
    expect(judge({ bytesIn: GB }, { memoryFreeBytes: 0.5 * GB })).toMatchObject({
      problems: [],
      notes: [expect.stringContaining("reads may go to its disk")],
    });
    expect(judge({}, { memoryFreeBytes: 10e6 }).problems).toEqual([]);
  });
});

/** 100 GB of disk, 128 GB of memory, a log of 4 GB with records of 100 bytes. */
function judge(demand: Partial<Demand>, store = {}, log = {}) {
  return judgeRoom(
    "n1",
    {
      store: { bytes: GB, diskFreeBytes: 100 * GB, memoryFreeBytes: 128 * GB, ...store },
      log: { first: 1n, last: 1_000n, bytes: 100_000, maxBytes: 4 * GB, ...log },
    },
    { bytesIn: 0, bytesOut: 0, copySeconds: 0, copiesOut: 0, writesPerSecond: 0, ...demand },
  );
}
