import type { Measured, Standing } from "../src/lib/plan/expand/field.js";
import { solve } from "../src/lib/plan/expand/solve.js";
import type { Vector } from "../src/lib/plan/expand/vector.js";

/** One expansion in a process of its own, so that its memory can be told. `bytes` or `accesses`: what the shards are full of. */
export interface CaseResult {
  readonly ms: number;
  readonly peakBytes: number;
  readonly load: number;
  readonly bytes: number;
  readonly segments: number;
  readonly moves: number;
}

const SHARDS = 3_000;
const BUCKETS = 1_024;
const ADDED = 100;
const WIDTH = 1_000_000n;
const CAPACITY: Vector = [64 * 2 ** 30, 200_000, 1.25e9];

function main(kind: string): void {
  const random = generator(20_260);
  const standing: Standing[] = [];
  const measured: Measured[] = [];
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const segment = { lo: BigInt(shard) * WIDTH, hi: BigInt(shard + 1) * WIDTH };
    const size = (0.4 + 0.4 * random()) * CAPACITY[0];
    const rate = (kind === "bytes" ? 0.2 : 0.5 + 0.4 * random()) * CAPACITY[1];
    // A twentieth of the positions is used three times as much as the others, and no two buckets are alike.
    const hot = Math.floor(random() * BUCKETS);
    const column = (total: number, heat: number): Float64Array => {
      const values = new Float64Array(BUCKETS);
      for (let i = 0; i < BUCKETS; i += 1) {
        const inside = i >= hot && i < hot + BUCKETS / 20;
        values[i] = (total / BUCKETS) * (inside ? heat : 1) * (0.95 + 0.1 * random());
      }
      return values;
    };
    const ops = column(rate, 3);
    measured.push({ ...segment, bytes: column(size, 1), ops, traffic: ops.map((of) => of * 200) });
    standing.push({ id: `p${shard}`, segments: [segment], capacity: CAPACITY });
  }
  const added = Array.from({ length: ADDED }, (_, i) => ({ id: `n${i}`, capacity: CAPACITY }));
  const start = performance.now();
  const solution = solve({ standing, added, measured, tolerance: 0.01, bytesTolerance: 0.1 });
  const result: CaseResult = {
    ms: performance.now() - start,
    peakBytes: process.resourceUsage().maxRSS * 1_024,
    load: solution.load.value / solution.load.bound,
    bytes: solution.bytes.value / solution.bytes.bound,
    segments: solution.segments.value / solution.segments.bound,
    moves: solution.moves.length,
  };
  console.log(JSON.stringify(result));
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

main(process.argv[2] ?? "bytes");
