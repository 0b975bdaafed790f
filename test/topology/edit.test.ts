import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addShards, setAgentUrls, setSegments } from "../../src/lib/topology/edit.js";
import { checkTopology, parseTopology } from "../../src/lib/topology/parse.js";
import { EXAMPLE, example } from "./example.js";

const BIG = readFileSync("fixtures/topologies/qq-three-regions/topology.yaml", "utf8");
const DEMO = readFileSync("fixtures/topologies/demo/topology.yaml", "utf8");

/** Lines that are gone and lines that are new, in order; the others must be the same and in the same order. */
function changedLines(before: string, after: string): { gone: string[]; added: string[] } {
  const old = before.split("\n");
  const now = after.split("\n");
  const gone: string[] = [];
  const added: string[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    if (old[i] === now[j] && i < old.length) [i, j] = [i + 1, j + 1];
    else if (j < now.length && !old.slice(i).includes(now[j]!)) added.push(now[j++]!);
    else gone.push(old[i++]!);
  }
  return { gone, added };
}

describe("adding a shard", () => {
  test("to block-style shards adds just its lines, in their style", () => {
    const after = addShards(BIG, "profile", [
      {
        shard: "p9",
        segments: [
          { lo: 0n, hi: 200_000_000n },
          { lo: 3_999_999_999n, hi: 4_000_000_000n },
        ],
        primary: "sh-1-a-profile-2",
        replicas: ["sz-1-a-profile-1", "tj-1-a-profile-1"],
      },
    ]);
    expect(changedLines(BIG, after)).toEqual({
      gone: [],
      added: [
        "      p9:",
        "        segments: [0..200M, 3999999999..4000M]",
        "        primary: sh-1-a-profile-2",
        "        replicas: [sz-1-a-profile-1, tj-1-a-profile-1]",
      ],
    });
    const lines = after.split("\n");
    expect(lines[lines.indexOf("      p9:") + 4]).toBe("");
  });

  test("to shards of one line each adds one line", () => {
    const shard = { shard: "s9", primary: "sh-1-a-profile-2", replicas: [] };
    expect(changedLines(BIG, addShards(BIG, "status", [shard]))).toEqual({
      gone: [],
      added: ["      s9: { primary: sh-1-a-profile-2, replicas: [] }"],
    });
  });

  test("to shards in one flow map stays in it", () => {
    const text = EXAMPLE.replace(/shards:\n.*(a: .*)\n.*(b: .*)\n/, "shards: { $1, $2 } # both\n");
    const after = addShards(text, "profile", [
      {
        shard: "c",
        segments: [{ lo: 0n, hi: 1n }],
        primary: "e1",
        replicas: ["w1"],
      },
    ]);
    expect(after).toContain(
      "replicas: [e1] }, c: { segments: [0..1], primary: e1, replicas: [w1] } } # both\n",
    );
  });

  test("and cutting another gives what the expanded demo has, comments kept", () => {
    const added = addShards(DEMO, "profile", [
      {
        shard: "p2",
        segments: [{ lo: 50_000n, hi: 100_000n }],
        primary: "sz-db-2",
        replicas: ["tj-db-2"],
      },
    ]);
    const after = setSegments(added, "profile", new Map([["p0", [{ lo: 0n, hi: 50_000n }]]]));
    const expanded = readFileSync("fixtures/topologies/demo/expanded.yaml", "utf8");
    expect(parseTopology(after, "a")).toEqual(parseTopology(expanded, "b"));
    expect(changedLines(DEMO, after).gone).toEqual([
      "      p0: { segments: [0..100000], primary: sh-db-1, replicas: [sz-db-1] }",
    ]);
  });

  test("after a last shard with comments, without a line break at the end of the file", () => {
    const text = EXAMPLE.replace(/\n$/, " # last\n      # really");
    const after = addShards(text, "profile", [
      {
        shard: "c",
        segments: [{ lo: 1n, hi: 2n }],
        primary: "e1",
        replicas: [],
      },
    ]);
    expect(after).toBe(
      text.replace(
        " # last\n",
        " # last\n      c: { segments: [1..2], primary: e1, replicas: [] }\n",
      ),
    );
  });
});

test("several shards at once are added, and several cut, as one after the other", () => {
  const shards = ["c", "d"].map((shard, i) => ({
    shard,
    segments: [{ lo: BigInt(i), hi: BigInt(i) + 1n }],
    primary: "e1",
    replicas: [],
  }));
  const cut = new Map([
    ["a", [{ lo: 2n, hi: 500n }]],
    ["b", [{ lo: 500n, hi: 600n }]],
  ]);
  const [first, second] = shards.map((shard) => [shard]);
  const oneByOne = addShards(addShards(EXAMPLE, "profile", first!), "profile", second!);
  const added = addShards(EXAMPLE, "profile", shards);
  expect(added).toBe(oneByOne);
  const cutOneByOne = [...cut].reduce(
    (text, one) => setSegments(text, "profile", new Map([one])),
    added,
  );
  expect(setSegments(added, "profile", cut)).toBe(cutOneByOne);
});

describe("setting segments", () => {
  test("touches the one list", () => {
    const after = setSegments(
      BIG,
      "profile",
      new Map([["p8", [{ lo: 3_500_000_000n, hi: 4_000_000_000n }]]]),
    );
    expect(changedLines(BIG, after)).toEqual({
      gone: ["        segments: [1000M..1200M, 3500M..4000M]"],
      added: ["        segments: [3500M..4000M]"],
    });
  });

  test("of a block list keeps the lines and comments of those that stay", () => {
    const list =
      "\n          - 0..100 # old\n          # hot since May\n          - 100..200\n          - 200..500 # quiet\n       ";
    const text = example(
      "a: { segments: [0..500], primary: e1, replicas: [w1] }",
      `a:\n        segments:${list} # end\n        primary: e1\n        replicas: [w1]`,
    );
    const after = setSegments(
      text,
      "profile",
      new Map([
        [
          "a",
          [
            { lo: 100n, hi: 200n },
            { lo: 200n, hi: 300n },
          ],
        ],
      ]),
    );
    expect(after).toBe(
      text.replace(
        "          - 0..100 # old\n          # hot since May\n          - 100..200\n          - 200..500 # quiet\n",
        "          # hot since May\n          - 100..200\n          - 200..300\n",
      ),
    );
  });
});

describe("setting agents", () => {
  test("changes the URLs and nothing else", () => {
    const urls = {
      "tj-1-a-status-1": "http://127.0.0.1:40001",
      "sh-1-a-profile-1": "http://127.0.0.1:40002",
    };
    const { gone, added } = changedLines(BIG, setAgentUrls(BIG, urls));
    expect(gone).toEqual([
      expect.stringContaining('sh-1-a-profile-1: { agent: "http://10.1.11.31:7400"'),
      '                  agent: "http://10.3.11.41:7400"',
    ]);
    expect(added[0]).toBe(gone[0]!.replace("http://10.1.11.31:7400", "http://127.0.0.1:40002"));
    expect(added[1]).toBe('                  agent: "http://127.0.0.1:40001"');
  });

  test("of all data nodes of any fixture leaves every other character", () => {
    for (const text of [BIG, DEMO, EXAMPLE]) {
      const nodes = parseTopology(text, "t").nodes.filter(({ layer }) => layer === "data");
      const urls = Object.fromEntries(
        nodes.map(({ id }, i) => [id, `http://127.0.0.1:${50_000 + i}`]),
      );
      const after = setAgentUrls(text, urls);
      let back = after;
      for (const { id, agent } of nodes) back = back.replace(`"${urls[id]!}"`, `"${agent!}"`);
      expect(back).toBe(text);
      const agents = parseTopology(after, "t").nodes.filter(({ id }) => id in urls);
      for (const { id, agent } of agents) expect(agent).toBe(urls[id]);
    }
  });

  test("adds an agent to a node that had none", () => {
    const after = setAgentUrls(BIG, { "sh-1-a-logic-1": "http://127.0.0.1:1" });
    expect(after).toContain('sh-1-a-logic-1: { agent: "http://127.0.0.1:1", capacity: &compute');
  });

  test("keeps Windows line ends and the byte order mark", () => {
    const text = `\ufeff${EXAMPLE.replaceAll("\n", "\r\n")}`;
    const after = setAgentUrls(text, { e1: "http://127.0.0.1:9" });
    expect(after).toBe(text.replace("http://127.0.0.1:7401", "http://127.0.0.1:9"));
    const added = addShards(text, "profile", [
      {
        shard: "c",
        segments: [{ lo: 0n, hi: 1n }],
        primary: "e1",
        replicas: [],
      },
    ]);
    expect(added.replaceAll("\r\n", "")).not.toContain("\n");
  });
});

describe("an edit is refused", () => {
  const expectRefused = (edit: () => string) =>
    expect(edit).toThrow(expect.objectContaining({ code: "edit-refused", exit: 3 }));
  const shard = { shard: "c", primary: "e1", replicas: [] };

  test("where the names lead nowhere", () => {
    expectRefused(() => setSegments(EXAMPLE, "nothing", new Map([["a", []]])));
    expectRefused(() => setSegments(EXAMPLE, "profile", new Map([["z", []]])));
    expectRefused(() => setAgentUrls(EXAMPLE, { nobody: "http://x" }));
    expectRefused(() => addShards(EXAMPLE, "constructor", [shard]));
  });

  test("where the shard exists already", () => {
    expectRefused(() => addShards(EXAMPLE, "profile", [{ ...shard, shard: "a" }]));
  });

  test("where the text is no YAML", () => {
    expectRefused(() => setAgentUrls("a: [", { a: "http://x" }));
    expectRefused(() => setAgentUrls("", { a: "http://x" }));
  });

  test("where it would change what is used elsewhere through an alias", () => {
    const text = example("a: { segments: [0..500],", "a: { segments: &all [0..500],").replace(
      "segments: [500..1000]",
      "segments: *all",
    );
    expectRefused(() => setSegments(text, "profile", new Map([["b", [{ lo: 0n, hi: 1n }]]])));
    expectRefused(() => setSegments(text, "profile", new Map([["a", [{ lo: 0n, hi: 1n }]]])));
  });
});

test("any segments set in the big fixture read back, and every comment stays", () => {
  const comments = (text: string) => text.match(/#.*/g);
  const cut = fc.uniqueArray(fc.bigInt({ min: 1n, max: 3_999_999_999n }), {
    minLength: 2,
    maxLength: 6,
  });
  fc.assert(
    fc.property(cut, fc.constantFrom("p0", "p3", "p8"), (cuts, shard) => {
      const sorted = cuts.toSorted((a, b) => (a < b ? -1 : 1));
      const segments = sorted.slice(1).map((hi, i) => ({ lo: sorted[i]!, hi }));
      const after = setSegments(BIG, "profile", new Map([[shard, segments]]));
      expect(comments(after)).toEqual(comments(BIG));
      // Whatever else the rules say now, they can read the segments again.
      expect(checkTopology(after, "t").problems.filter(({ rule }) => rule === "bad-value")).toEqual(
        [],
      );
      expect(setSegments(after, "profile", new Map([[shard, segments]]))).toBe(after);
    }),
    { numRuns: 15 },
  );
});
