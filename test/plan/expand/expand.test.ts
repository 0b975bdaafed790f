import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  expandTopology,
  type LiveLoad,
  parseAddition,
  parseTolerance,
} from "../../../src/lib/plan/expand.js";
import { expandText } from "../../../src/lib/report/plan-expand.js";
import { parseTopology } from "../../../src/lib/topology/parse.js";

const FILE = join(import.meta.dirname, "../../../fixtures/plans/split-shard/before.yaml");
const SOURCE = { file: "t.yaml", text: readFileSync(FILE, "utf8") };
const EXACT = { tolerance: 0, bytesTolerance: 0 };
const GiB = 2 ** 30;

/** Ten buckets over [0, 1000). */
function live(bytes: number[], ops: number[] = [], counted = 300): LiveLoad {
  const column = (values: number[]): Float64Array =>
    Float64Array.from({ length: 10 }, (_, i) => values[i] ?? 0);
  return {
    measured: [{ lo: 0n, hi: 1000n, bytes: column(bytes), ops: column(ops), traffic: column([]) }],
    uncounted: [],
    countedSeconds: counted,
  };
}

const EVEN = live(Array.from({ length: 10 }, () => 0.16 * GiB));

function expand(add: string, load = EVEN, tolerances = EXACT, keyspace = "profile") {
  const topology = parseTopology(SOURCE.text, SOURCE.file);
  const additions = [parseAddition(add)];
  return expandTopology({ ...SOURCE, topology }, keyspace, additions, load, tolerances);
}

test("expanding writes a valid topology in which only the cut and the new shard differ", () => {
  const { text } = expand("p1=sh-2,sz-2");
  const { shards } = parseTopology(text, "t.yaml").keyspaces[0]!;
  expect(shards.map(({ id, segments, primary }) => [id, segments, primary])).toEqual([
    ["p0", [{ lo: 0n, hi: 500n }], "sh-1"],
    ["p1", [{ lo: 500n, hi: 1000n }], "sh-2"],
  ]);
  const lines = SOURCE.text.split("\n");
  expect(lines.filter((line) => !text.includes(line))).toHaveLength(1);
});

describe("says how good it is, and what it rests on:", () => {
  const text = (expansion: ReturnType<typeof expand>) =>
    expandText("profile", expansion, { width: 80, verbose: false });

  test("bytes alone where no accesses were counted", () => {
    expect(text(expand("p1=sh-2,sz-2")))
      .toBe(`profile: max load 0.10 of capacity (0.20 before), bound 0.10 (ratio 1.00); moved
  819 MiB, bound 819 MiB (1.00); segments 2, bound 2
p1 takes 819 MiB: from p0 [500, 1000)
No accesses were counted: the load is the bytes alone.`);
  });

  test("accesses, which decide where they are nearer to their capacity", () => {
    // 20k of 50k ops/s are in one tenth of the positions; the lowest tenth goes, with 0.1 GiB.
    const load = live(
      Array.from({ length: 10 }, () => GiB / 10),
      [20_000, 2_000, 2_000],
      12,
    );
    expect(text(expand("p1=sh-2,sz-2", load)))
      .toBe(`profile: max load 0.24 of capacity (0.48 before), bound 0.24 (ratio 1.00); moved
  61.4 MiB, bound 61.4 MiB (1.00); segments 2, bound 2
p1 takes 61.4 MiB, 12.0k ops/s: from p0 [0, 60)
Accesses were counted for 12s only.`);
  });

  test("bytes alone, too, where a node does not count accesses", () => {
    const load = { ...live([GiB], [50_000]), uncounted: ["sh-1"] };
    const { basis, moves } = expand("p1=sh-2,sz-2", load);
    expect(basis).toEqual({ kind: "bytes", uncounted: ["sh-1"] });
    expect(moves[0]!.demand[1]).toBe(0);
    expect(text(expand("p1=sh-2,sz-2", load))).toContain("sh-1 cannot say how much is used.");
  });

  test("positions where nothing is stored", () => {
    expect(text(expand("p1=sh-2,sz-2", { ...live([]), measured: [] })))
      .toBe(`profile: max load ratio 1.00 to its bound; moved 500 positions, bound 500
  positions (1.00); segments 2, bound 2
p1 takes 500 positions: from p0 [500, 1000)
Nothing is stored yet: every position weighs the same.`);
  });

  test("that a node is counted twice", () => {
    const { shared } = expand("p1=sh-1,sz-2");
    expect(shared).toEqual(["sh-1"]);
  });
});

test("a node of less capacity is given less", () => {
  const small = SOURCE.text.replace(
    /(sh-2: .*)memory: 8GiB/,
    (_, before: string) => `${before}memory: 2GiB`,
  );
  const topology = parseTopology(small, "t.yaml");
  const expansion = expandTopology(
    { topology, text: small, file: "t.yaml" },
    "profile",
    [parseAddition("p1=sh-2,sz-2")],
    EVEN,
    EXACT,
  );
  // 8 GiB and 2 GiB: a fifth goes. A replica of less capacity would count as well.
  expect(expansion.moves[0]!.segments).toEqual([{ lo: 800n, hi: 1000n }]);
});

test("--add names a shard, its primary and its replicas", () => {
  expect(parseAddition("p3=sh-2,sz-2")).toEqual({
    shard: "p3",
    primary: "sh-2",
    replicas: ["sz-2"],
  });
  for (const bad of ["p3", "p3=", "=sh-2", "p3=sh-2,", "p3=a=b"]) {
    expect(() => parseAddition(bad)).toThrow(expect.objectContaining({ exit: 64 }));
  }
});

test("a tolerance is a percentage", () => {
  expect(parseTolerance("--tolerance", "2.5%")).toBe(0.025);
  for (const bad of ["0.1", "-1%", "x", "101%"]) {
    expect(() => parseTolerance("--tolerance", bad)).toThrow(
      expect.objectContaining({ code: "expand/bad-tolerance", exit: 64 }),
    );
  }
});

test.each([
  ["a shard that exists", "p0=sh-2,sz-2", "profile", "expand/shard-exists"],
  ["an unknown keyspace", "p1=sh-2,sz-2", "nope", "expand/unknown-keyspace", 64],
  ["a node that does not exist", "p1=gone,sz-2", "profile", "expand/unknown-node", 64],
  ["a node that breaks a rule", "p1=sh-2,sh-1", "profile", "invalid-topology"],
])("%s is refused", (_what, add, keyspace, code, exit = 3) => {
  expect(() => expand(add, EVEN, EXACT, keyspace)).toThrow(expect.objectContaining({ code, exit }));
});

test("where the gain is within the tolerance nothing is done, and that is said", () => {
  expect(() => expand("p1=sh-2,sz-2", EVEN, { ...EXACT, tolerance: 1 })).toThrow(
    expect.objectContaining({ code: "expand/no-gain", exit: 3 }),
  );
});
