import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkPlan } from "../../src/lib/plan/check/index.js";
import { observedFromTopology } from "../../src/lib/plan/observed.js";
import type { ShardPlan, ShardStep } from "../../src/lib/plan/types.js";
import { bound } from "../../src/lib/plan/waves/bound.js";
import { shareLine } from "../../src/lib/plan/waves/rates.js";
import { RisksAtOnce } from "../../src/lib/plan/waves/risks.js";
import { schedule, secondsInTurn } from "../../src/lib/plan/waves/schedule.js";
import { secondsAtOnce, type Limits, type Work } from "../../src/lib/plan/waves/work.js";
import type { Topology } from "../../src/lib/topology/types.js";
import { planFor, POLICY, rangeKeyspace, shard, topologyOf } from "./cluster.js";

const node = fc.constantFrom("a", "b", "c", "d");

/** Copies between four nodes of two sets in two regions, the lines between which carry half of what a copy can do. */
const work: fc.Arbitrary<Work> = fc
  .record({
    ends: fc.uniqueArray(node, { minLength: 2, maxLength: 2 }),
    seconds: fc.integer({ min: 1, max: 20 }),
    risky: fc.boolean(),
  })
  .map(({ ends, seconds, risky }) => {
    const ways = ends.map((end) => (end < "c" ? "sh" : "sz")).join(" -> ");
    const line = ["sh -> sz", "sz -> sh"].includes(ways)
      ? [{ of: ways, seconds: seconds / 2 }]
      : [];
    const card = { of: `network out of ${ends[0]!}`, seconds: seconds / 3 };
    const risks = new Map([
      ["region sh", new Set(ends.filter((end) => end < "c"))],
      ["region sz", new Set(ends.filter((end) => end >= "c"))],
    ]);
    const touched = [...risks].filter(([, sets]) => sets.size > 0);
    return { ends, seconds, shares: [...line, card], risks: new Map(risky ? touched : []) };
  });

const limits: fc.Arbitrary<Limits> = fc.record({
  perNode: fc.integer({ min: 1, max: 3 }),
  total: fc.integer({ min: 1, max: 5 }),
});

function mayBeAtOnce(wave: readonly Work[], { perNode, total }: Limits): boolean {
  const ends = wave.flatMap((one) => one.ends);
  const scopes = new Set(wave.flatMap(({ risks }) => [...risks.keys()]));
  return (
    wave.length <= total &&
    ends.every((end) => ends.filter((other) => other === end).length <= perNode) &&
    [...scopes].every((scope) => {
      const own = wave.flatMap(({ risks }) => risks.get(scope) ?? []);
      return own.every((a) =>
        own.every((b) => new Set([...a, ...b]).size === Math.max(a.size, b.size)),
      );
    })
  );
}

/** The shortest of all ways to cut works into waves. */
function shortest(works: readonly Work[], limit: Limits): number {
  const place = (i: number, waves: readonly (readonly Work[])[]): number => {
    if (i === works.length)
      return waves.every((wave) => mayBeAtOnce(wave, limit)) ? secondsInTurn(waves) : Infinity;
    const joined = waves.map((wave, w) =>
      place(
        i + 1,
        waves.map((one, other) => (other === w ? [...wave, works[i]!] : one)),
      ),
    );
    return Math.min(place(i + 1, [...waves, [works[i]!]]), ...joined);
  };
  return place(0, []);
}

test("waves hold every work once and keep to every limit; nothing is shorter than the bound", () => {
  fc.assert(
    fc.property(fc.array(work, { maxLength: 30 }), limits, (works, limit) => {
      const waves = schedule(works, limit);
      expect(waves.flat()).toHaveLength(works.length);
      expect(new Set(waves.flat())).toEqual(new Set(works));
      for (const wave of waves) expect(mayBeAtOnce(wave, limit)).toBe(true);
      expect(secondsInTurn(waves)).toBeGreaterThanOrEqual(bound(works, limit).seconds - 1e-9);
    }),
    { numRuns: 500 },
  );
});

test("of up to six works brute force finds no waves that are much shorter, and none below the bound", () => {
  const ratios: number[] = [];
  fc.assert(
    fc.property(fc.array(work, { minLength: 1, maxLength: 6 }), limits, (works, limit) => {
      const best = shortest(works, limit);
      expect(best).toBeGreaterThanOrEqual(bound(works, limit).seconds - 1e-9);
      ratios.push(secondsInTurn(schedule(works, limit)) / best);
    }),
    { numRuns: 1000, seed: 7 },
  );
  ratios.sort((a, b) => a - b);
  expect(ratios[0]).toBeGreaterThan(0.999_999);
  expect(ratios[Math.floor(ratios.length * 0.9)]).toBeLessThan(1.000_001);
  expect(ratios.at(-1)).toBeLessThan(1.5);
});

test("what is at risk at one time is what each of the steps puts at risk by itself", () => {
  const atOnce = new RisksAtOnce();
  const region = (...sets: string[]) => new Map([["region sh", new Set(sets)]]);
  atOnce.add(region("sh-1"));
  expect(atOnce.hasRoomFor(region("sh-1"))).toBe(true);
  expect(atOnce.conflicts(region("sh-2"))).toEqual(["region sh"]);
  expect(atOnce.hasRoomFor(new Map([["region sz", new Set(["sz-1"])]]))).toBe(true);
  // A copy from one set to another cannot be cut in two: what is within its reach goes with it.
  atOnce.add(region("sh-1", "sh-2"));
  expect(atOnce.hasRoomFor(region("sh-1"))).toBe(true);
  expect(atOnce.hasRoomFor(region("sh-2"))).toBe(false);
  expect(atOnce.hasRoomFor(region("sh-1", "sh-3"))).toBe(false);
});

test("copies share a line in proportion to their bytes, never more than it has", () => {
  fc.assert(
    fc.property(
      fc.array(fc.bigInt({ min: 0n, max: 10n ** 15n }), { minLength: 1, maxLength: 50 }),
      fc.integer({ min: 10_000, max: 10 ** 10 }),
      (bytes, room) => {
        const rates = shareLine(bytes, room);
        expect(rates.every((rate) => Number.isInteger(rate) && rate >= 1)).toBe(true);
        expect(rates.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(room);
        const alone = Number(bytes.reduce((a, b) => a + b, 0n)) / room;
        const slowest = Math.max(...bytes.map((one, i) => Number(one) / rates[i]!));
        if (room > 10 ** 6) expect(slowest).toBeLessThanOrEqual(alone * 1.06);
      },
    ),
  );
  expect(shareLine([300n, 100n], 1_000_000)).toEqual([750_000, 250_000]);
  expect(shareLine([0n, 0n], 1_000_000)).toEqual([500_000, 500_000]);
});

/** Live sizes: so many bytes for each position. */
function planBetween(before: Topology, after: Topology, bytesEach: bigint): ShardPlan {
  const observed = observedFromTopology(before);
  return planFor(after, {
    ...observed,
    basis: "measured",
    keyspaces: observed.keyspaces.map((keyspace) => ({
      ...keyspace,
      histogram: [{ lo: 0n, hi: 1000n, rows: 1_000_000n, bytes: 1000n * bytesEach }],
    })),
  });
}

function stepsOf<K extends ShardStep["kind"]>(
  plan: ShardPlan,
  kind: K,
  wave?: readonly ShardStep[],
) {
  const steps = wave ?? plan.stages.flatMap(({ waves }) => waves.flat());
  return steps.filter((step): step is Extract<ShardStep, { kind: K }> => step.kind === kind);
}

const FIVE = [0n, 200n, 400n, 600n, 800n];
/** Five shards in sh, each with its own node or two; after it each has a copy in sz as well. */
const shardsWith = (...replicas: readonly string[][]) =>
  rangeKeyspace(
    "profile",
    FIVE.map((lo, i) =>
      shard(
        `p${i}`,
        lo,
        lo + 200n,
        ["sh-1-d1", "sh-1-d2", "sh-2-d1", "sh-2-d2", "sh-1-d1"][i]!,
        ...(replicas[i] ?? []),
      ),
    ),
  );
const IN_SH = shardsWith();
const ALSO_IN_SZ = shardsWith(["sz-1-d1"], ["sz-1-d2"], ["sz-2-d1"], ["sz-1-d1"], ["sz-1-d2"]);

describe("lines between regions", () => {
  const line = { between: ["sh", "sz"] as const, bitsPerSecond: 400e6 };
  const keyspace = {
    ...ALSO_IN_SZ,
    load: {
      bytes: 1e12,
      readsPerSecond: 0,
      writesPerSecond: 0,
      readBytesPerSecond: 0,
      changeBytesPerSecond: 10e6,
      changedKeys: null,
    },
  };
  const plan = planBetween(
    topologyOf([IN_SH]),
    { ...topologyOf([keyspace]), links: [line] },
    100_000_000n,
  );

  test("carry the copies of a wave at what they have left, and the plan says so", () => {
    // 50 MB/s, 10 MB/s of them for changes; half of the rest.
    expect(plan.limits.lines).toEqual({ "sh -> sz": 20_000_000 });
    expect(checkPlan(plan)).toEqual([]);
    // All of 100 GB goes over it.
    expect(plan.copying).toMatchObject({ boundSeconds: 5000, because: "sh -> sz" });
    expect(plan.copying!.seconds / 5000).toBeLessThan(1.001);
    const [first] = plan.stages.find(({ kind }) => kind === "attach")!.waves;
    const rates = stepsOf(plan, "link", first).map(({ bytesPerSecond }) => bytesPerSecond);
    expect(rates.length).toBeGreaterThan(1);
    expect(new Set(rates)).toEqual(new Set([20_000_000 / rates.length]));
  });

  test("a plan whose copies are too fast for a line is unsound", () => {
    const faster = (bytesPerSecond: number | null): ShardPlan => ({
      ...plan,
      stages: plan.stages.map((stage) => ({
        ...stage,
        waves: stage.waves.map((wave) =>
          wave.map((step) => (step.kind === "link" ? { ...step, bytesPerSecond } : step)),
        ),
      })),
    });
    for (const rate of [19_000_000, null]) {
      const found = checkPlan(faster(rate)).filter(({ rule }) => rule === "wave-limits");
      expect(found[0]?.message).toContain("copies over sh -> sz");
    }
  });
});

describe("blast radius: set", () => {
  const target = topologyOf([ALSO_IN_SZ], { ...POLICY, blastRadius: "set" });
  const plan = planBetween(topologyOf([IN_SH]), target, 1_000_000n);

  test("never touches two sets of a region at once", () => {
    expect(plan.limits.blastRadius).toBe("set");
    expect(checkPlan(plan)).toEqual([]);
    const waves = plan.stages.flatMap((stage) => stage.waves);
    for (const wave of waves) {
      const copies = [...stepsOf(plan, "link", wave), ...stepsOf(plan, "verify", wave)];
      for (const end of ["node", "source"] as const)
        expect(new Set(copies.map((copy) => copy[end]!.slice(0, 4))).size).toBeLessThanOrEqual(1);
      const raised = stepsOf(plan, "readers", wave).flatMap(({ after }) =>
        after.filter(({ node: id }) => id.startsWith("sz")).map(({ node: id }) => id.slice(0, 4)),
      );
      expect(new Set(raised).size).toBeLessThanOrEqual(1);
    }
    const anything = planBetween(topologyOf([IN_SH]), topologyOf([ALSO_IN_SZ]), 1_000_000n);
    expect(checkPlan({ ...anything, limits: plan.limits }).map(({ rule }) => rule)).toContain(
      "blast-radius",
    );
  });

  test("a plan that does not say what is compared cannot be proven, but is as good as ever without a blast radius", () => {
    const stages = plan.stages.map((stage) => ({
      ...stage,
      waves: stage.waves.map((wave) =>
        wave.map((step): ShardStep => {
          if (step.kind !== "verify") return step;
          const { source: _, ...old } = step;
          return old;
        }),
      ),
    }));
    const { blastRadius: _, ...limits } = plan.limits;
    expect(checkPlan({ ...plan, stages, limits })).toEqual([]);
    const found = checkPlan({ ...plan, stages });
    expect(new Set(found.map(({ rule }) => rule))).toEqual(new Set(["blast-radius"]));
    expect(found[0]?.message).toContain("an earlier version made the plan");
  });

  test("gives reads to one new copy of a shard after the other, each watched before the next", () => {
    const two = rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sh-1-d1", "sz-1-d1", "tj-1-d1")]);
    const one = rangeKeyspace("profile", [shard("p0", 0n, 1000n, "sh-1-d1", "sh-2-d1")]);
    const made = planBetween(
      topologyOf([one]),
      topologyOf([two], { ...POLICY, blastRadius: "set" }),
      1n,
    );
    expect(checkPlan(made)).toEqual([]);
    const last = made.stages.find(({ id }) => id.endsWith("promote-reads-100"))!;
    expect(last.waves.map((wave) => wave.map(({ kind }) => kind))).toEqual([
      ["readers"],
      ["gate"],
      ["readers"],
      ["gate"],
    ]);
    const weights = stepsOf(made, "readers", last.waves.flat()).map(({ after }) =>
      Object.fromEntries(after.map(({ node: id, weight }) => [id, weight])),
    );
    expect(weights).toEqual([
      { "sh-1-d1": 100, "sh-2-d1": 50, "sz-1-d1": 100, "tj-1-d1": 50 },
      { "sh-1-d1": 100, "sh-2-d1": 0, "sz-1-d1": 100, "tj-1-d1": 100 },
    ]);
  });
});

test("secondsAtOnce is that of the longest work, or of what is shared the most", () => {
  const share = (seconds: number) => ({ seconds, shares: [{ of: "line", seconds: seconds / 2 }] });
  expect(secondsAtOnce([share(4), share(2)])).toBe(4);
  expect(secondsAtOnce([share(4), share(4), share(4)])).toBe(6);
  expect(secondsAtOnce([])).toBe(0);
});
