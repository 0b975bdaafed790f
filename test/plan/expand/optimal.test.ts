import { expect, test } from "vitest";
import { solve, type Problem } from "../../../src/lib/plan/expand/solve.js";
import { BruteForce, type Instance } from "./brute.js";
import { OneNewShard } from "./one-new-shard.js";
import { randomFrom } from "./random.js";

/** Another one by hand: SEED=7 npx vitest run test/plan/expand. */
const SEED = Number(process.env["SEED"] ?? 20_261);
const INSTANCES = Number(process.env["INSTANCES"] ?? 1_200);

function anyInstance(random: () => number): Instance {
  const pick = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
  const shards = pick(1, 5);
  const added = pick(1, 6 - shards);
  const buckets = pick(Math.max(shards, Math.min(12, shards + added)), 12);
  const scattered = random() < 0.3;
  const owners = Array.from({ length: buckets }, (_, i) =>
    scattered ? pick(0, shards - 1) : Math.floor((i * shards) / buckets),
  );
  for (let shard = 0; shard < shards; shard += 1)
    if (!owners.includes(shard)) owners[shard % buckets] = shard;
  const most = [1, 4, 9, 1_000_000_007][pick(0, 3)]!;
  const used = [
    [1, 0, 0],
    [1, 1, 0],
    [1, 1, 1],
    [0, 1, 1],
  ][pick(0, 3)]!;
  const demands = owners.map(() => {
    const level = random() < 0.15 ? 0 : 1;
    return used.map(
      (on) => on * (most === 1 ? pick(0, 1) : level * Math.floor(random() * (most + 1))),
    ) as unknown as [number, number, number];
  });
  const alike = random() < 0.5;
  const capacity = (): [number, number, number] =>
    alike ? [40, 40, 40] : [pick(20, 60), pick(20, 60), pick(20, 60)];
  return {
    owners,
    demands,
    standing: Array.from({ length: shards }, capacity),
    added: Array.from({ length: added }, capacity),
  };
}

function problemOf(instance: Instance, tolerance: number, bytesTolerance: number): Problem {
  const { owners, demands, standing, added } = instance;
  const column = (r: number): Float64Array => Float64Array.from(demands, (demand) => demand[r]!);
  return {
    standing: standing.map((capacity, shard) => ({
      id: `p${shard}`,
      capacity,
      segments: owners.flatMap((owner, i) =>
        owner === shard ? [{ lo: BigInt(i), hi: BigInt(i) + 1n }] : [],
      ),
    })),
    added: added.map((capacity, i) => ({ id: `n${i}`, capacity })),
    measured: [
      { lo: 0n, hi: BigInt(owners.length), bytes: column(0), ops: column(1), traffic: column(2) },
    ],
    tolerance,
    bytesTolerance,
  };
}

test(`the solver agrees with brute force on ${INSTANCES} instances (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const seen = { solved: 0, noGain: 0 };
  for (let i = 0; i < INSTANCES; i += 1) {
    const instance = anyInstance(random);
    const tolerance = [0, 0.01, 0.05, 0.2][Math.floor(random() * 4)]!;
    const bytesTolerance = [0, 0.1][Math.floor(random() * 2)]!;
    const what = `instance ${i} of seed ${SEED}: ${JSON.stringify({ ...instance, tolerance, bytesTolerance })}`;
    const brute = new BruteForce(instance);
    const optimum = brute.lowestLevel();
    let solution;
    try {
      solution = solve(problemOf(instance, tolerance, bytesTolerance));
    } catch (error) {
      expect(error, what).toMatchObject({ code: "expand/no-gain" });
      expect(brute.before, what).toBeLessThanOrEqual(optimum * (1 + tolerance) * (1 + 1e-8));
      seen.noGain += 1;
      continue;
    }
    seen.solved += 1;
    const { level, load, bytes, segments, searched } = solution;
    expect(searched, what).toBe(true);
    expect(load.value, what).toBeLessThanOrEqual(level * (1 + 1e-8));
    expect(level, what).toBeLessThanOrEqual(optimum * (1 + tolerance) * (1 + 1e-8));
    const fewest = brute.fewestBytes(level);
    expect(bytes.value, what).toBeLessThanOrEqual(fewest * (1 + bytesTolerance) * (1 + 1e-8));
    if (bytesTolerance === 0) expect(bytes.value, what).toBeCloseTo(fewest, 6);
    expect(segments.value, what).toBe(brute.fewestSegments(level, fewest * (1 + bytesTolerance)));
    // What is called a bound is one.
    expect(load.bound, what).toBeLessThanOrEqual(optimum * (1 + 1e-8));
    expect(bytes.bound, what).toBeLessThanOrEqual(fewest * (1 + 1e-8) + 1e-9);
    expect(segments.bound, what).toBeLessThanOrEqual(segments.value);
  }
  expect(seen.solved).toBeGreaterThan(INSTANCES / 2);
  expect(seen.noGain).toBeGreaterThan(0);
}, 600_000);

test(`and on shards of twelve buckets each, where there is one new shard and one resource (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const rows = 100;
  let searched = 0;
  for (let i = 0; i < rows; i += 1) {
    const most = [1, 4, 9][Math.floor(random() * 3)]!;
    const shards = Array.from({ length: 1 + Math.floor(random() * 5) }, () =>
      Array.from({ length: 12 }, () => Math.floor(random() * (most + 1))),
    );
    const tolerance = [0, 0.01, 0.05, 0.2][Math.floor(random() * 4)]!;
    const what = `row ${i} of seed ${SEED}: ${JSON.stringify({ shards, tolerance })}`;
    const capacity = 100;
    const instance: Instance = {
      owners: shards.flatMap((buckets, shard) => buckets.map(() => shard)),
      demands: shards.flat().map((bytes) => [bytes, 0, 0] as const),
      standing: shards.map(() => [capacity, capacity, capacity] as const),
      added: [[capacity, capacity, capacity]],
    };
    const row = new OneNewShard({ shards });
    const lowest = row.lowest();
    let solution;
    try {
      solution = solve(problemOf(instance, tolerance, 0));
    } catch (error) {
      expect(error, what).toMatchObject({ code: "expand/no-gain" });
      expect(row.before, what).toBeLessThanOrEqual(lowest * (1 + tolerance) * (1 + 1e-8));
      searched += 1;
      continue;
    }
    const given = row.given(solution.level * capacity);
    expect(solution.load.bound * capacity, what).toBeLessThanOrEqual(lowest * (1 + 1e-8));
    if (!solution.searched) continue;
    searched += 1;
    expect(solution.level * capacity, what).toBeLessThanOrEqual(
      lowest * (1 + tolerance) * (1 + 1e-8),
    );
    expect(solution.bytes.value, what).toBeCloseTo(
      given!.reduce((all, one) => all + one, 0),
      6,
    );
    expect(solution.segments.value, what).toBe(row.fewestSegments(given!));
  }
  expect(searched).toBeGreaterThan(rows * 0.9);
}, 600_000);
