import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_BYTES } from "../../src/lib/topology/decode.js";
import { checkTopology } from "../../src/lib/topology/parse.js";
import { MAX_PER_RULE } from "../../src/lib/topology/problem.js";
import { FITNESS_RULES, RULE_INFOS } from "../../src/lib/topology/rules/registry.js";
import { renderProblems } from "../../src/lib/topology/render-problems.js";
import { EXAMPLE, example } from "./example.js";

const times = (n: number, line: (i: number) => string) =>
  Array.from({ length: n }, (_, i) => line(i)).join("");
const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]", ..."bcdefghi".split("")]
  .map((key, i) =>
    i === 0 ? key : `${key}: &${key} [${times(9, () => `*${"abcdefghi"[i - 1]!}, `)}]`,
  )
  .join("\n");

/** Input and the rule that must be among those reported. */
const HOSTILE: Readonly<Record<string, readonly [string | Uint8Array, string]>> = {
  "an empty file": ["", "empty"],
  "white space": [" \n\t\n", "empty"],
  "a null": ["null\n", "wrong-type"],
  "a number": ["5", "wrong-type"],
  "a file over the limit": [new Uint8Array(MAX_BYTES + 1).fill(97), "too-large"],
  "an alias bomb": [bomb, "alias-limit"],
  "an alias within its own anchor": ["a: &a { b: [*a] }", "alias-limit"],
  "flow nesting": ["[".repeat(1_000_000), "too-deep"],
  "map nesting": ["{a: ".repeat(1_000_000), "too-deep"],
  "list nesting": ["- ".repeat(1_000_000), "too-deep"],
  "block nesting": [times(2000, (i) => `${" ".repeat(i)}a:\n`), "too-deep"],
  "a million brackets that open nothing, and one": ["]".repeat(1_000_001), "too-large"],
  "half a million of them": ["]".repeat(500_000), "yaml-syntax"],
  "a million line breaks, and one": ["\n".repeat(1_000_001), "too-large"],
  "a key of a megabyte": [`? ${"k".repeat(1_000_000)}\n: 1\n`, "unknown-field"],
  "a text of megabytes": [`name: "${"n".repeat(4_000_000)}"\n`, "bad-name"],
  "an integer of a million digits": [`version: ${"9".repeat(1_000_000)}\n`, "bad-value"],
  "a NUL byte": ["version: 1\u0000\n", "encoding"],
  "a terminal escape": ["version: \u001b[31m\n", "encoding"],
  "UTF-16 with a mark": [new Uint8Array([0xff, 0xfe, 0x61, 0x00]), "encoding"],
  "UTF-16 without a mark": [new Uint8Array([0x61, 0x00, 0x62, 0x00]), "encoding"],
  "UTF-32": [new Uint8Array([0xff, 0xfe, 0x00, 0x00]), "encoding"],
  "Latin-1": [new Uint8Array([0x61, 0x3a, 0x20, 0xe9, 0x0a]), "encoding"],
  "UTF-8 that is cut off": [new Uint8Array([0x61, 0x3a, 0x20, 0xc3]), "encoding"],
  "an overlong encoding": [new Uint8Array([0xc0, 0x80]), "encoding"],
  "tabs as indentation": ["regions:\n\teast: {}\n", "yaml-syntax"],
  "two documents": ["a: 1\n---\nb: 1\n", "multiple-documents"],
  "a directive": ["%YAML 1.1\n---\na: yes\n", "directive"],
  "a tag": ["name: !!binary aGVsbG8=\n", "yaml-tag"],
  "a merge key": ["base: &b {}\nregions:\n  <<: *b\n", "merge-key"],
  "a prototype key": ["__proto__: { polluted: true }\n", "unknown-field"],
  "keys that are no texts": ["1: a\ntrue: b\n? {}\n: c\n", "key-not-text"],
  "a key twice": ["name: a\nname: b\n", "duplicate-key"],
  "a ring of millions": [
    `keyspaces: { s: { class: status, sync: global, sharding: consistent-hash, virtualNodes: 4096, shards: { ${times(1000, (i) => `s${i}: { primary: a }, `)} } } }`,
    "ring-size",
  ],
  "thousands of overlapping segments": [
    `keyspaces: { p: { sharding: range, domain: 0..9M, shards: { a: { segments: [${times(20_000, (i) => `${i}..8M,`)}] } } } }`,
    "overlap",
  ],
};

describe("hostile input gets a clear error", () => {
  test.each(Object.entries(HOSTILE))("%s", (_, [input, rule]) => {
    const { topology, problems } = checkTopology(input, "t.yaml");
    expect(topology).toBeNull();
    expect(problems.map((problem) => problem.rule)).toContain(rule);
    for (const problem of problems) {
      expect(RULE_INFOS.has(problem.rule)).toBe(true);
      expect(problem.line).toBeGreaterThan(0);
      expect(problem.column).toBeGreaterThan(0);
      expect(problem.endColumn).toBeGreaterThan(problem.column);
      expect(problem.hint).not.toBe("");
      expect(problem.message.length).toBeLessThan(500);
      expect(problem.source.length).toBeLessThanOrEqual(400);
    }
    expect(renderProblems(problems).length).toBeLessThan(5_000_000);
  });

  test("and leaves the prototypes of everything alone", () => {
    checkTopology(
      "__proto__: { polluted: true }\nconstructor: { prototype: { polluted: true } }\n",
      "t",
    );
    expect({}).not.toHaveProperty("polluted");
  });

  test("and a flood of the same problem is cut off, and says so", () => {
    const text = `keyspaces: { ${times(3000, (i) => `"${i}": {}, `)} }`;
    const problems = checkTopology(text, "t").problems.filter(({ rule }) => rule === "bad-name");
    expect(problems).toHaveLength(MAX_PER_RULE);
    expect(problems.at(-1)!.hint).toContain("not listed");
  });

  test.each(["constructor", "toString", "hasOwnProperty", "valueOf"])(
    "and %s is a name like any other",
    (name) => {
      const text = EXAMPLE.replaceAll(/\be1\b/g, name);
      const { topology, problems } = checkTopology(text, "t");
      expect(problems).toEqual([]);
      expect(topology!.nodes.map(({ id }) => id)).toEqual([name, "w1"]);
      expect(
        checkTopology(example("primary: e1", `primary: ${name}`), "t").problems.map(
          ({ rule }) => rule,
        ),
      ).toContain("unknown-node");
    },
  );

  test("and what is shown of it is obeyed by no terminal", () => {
    const text = renderProblems(
      checkTopology("\u202e: \u061c\u200b\u2028\nname: x\n", "\u001b]0;t\u0007").problems,
    );
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
  });
});

describe("whatever the input, there is a topology or at least one error", () => {
  const fixture = readFileSync("fixtures/topologies/qq-three-regions/topology.yaml");

  const fitness = new Set(FITNESS_RULES.map(({ id }) => id));
  const holds = (input: string | Uint8Array) => {
    const { topology, problems } = checkTopology(input, "t.yaml");
    const wrong = problems.filter(
      ({ rule, severity }) => severity === "error" && !fitness.has(rule),
    );
    expect(topology === null).toBe(wrong.length > 0);
    for (const { rule, line, column, endColumn, hint } of problems) {
      expect(RULE_INFOS.has(rule)).toBe(true);
      expect(line > 0 && column > 0 && endColumn > column && hint !== "").toBe(true);
    }
    renderProblems(problems);
  };

  test("any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), holds), { numRuns: 300 });
  });

  test("any text, also with broken surrogates", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), holds), { numRuns: 300 });
  });

  test("YAML punctuation in any order", () => {
    const piece = fc.constantFrom(
      ..."[]{},:?-&*!|>'\"%@`#\n ".split(""),
      "  ",
      "\n  ",
      "a",
      "1",
      "---",
      "...",
      "\t",
      "<<",
      "~",
      "\r",
    );
    const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));
    fc.assert(fc.property(text, holds), { numRuns: 2000 });
  });

  test("the big fixture with bytes changed, cut and repeated", () => {
    const change = fc.record({
      at: fc.nat(fixture.length),
      cut: fc.nat(40),
      put: fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc
          .constantFrom("\n", "  ", "- ", ": ", "[", "}", "*", "&", "null")
          .map((t) => Buffer.from(t)),
      ),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let bytes: Buffer = fixture;
        for (const { at, cut, put } of changes) {
          bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
        }
        holds(bytes);
      }),
      { numRuns: 100 },
    );
  });

  test("any JSON in place of any part of a valid topology", () => {
    const whole = `${EXAMPLE.replace("    shards:", "    load:\n      bytes: 4GB\n      changedKeys: 1k\n    shards:")}demand:
  onlineUsers: 500k
  carriers:
    telecom: 45%
  perUser:
    access:
      ops: 0.01
links: [{ between: [east, west], bandwidth: 1Gbps }]
policy:
  rules:
    unused-node:
      severity: off
      reason: they wait
`;
    expect(checkTopology(whole, "t").topology).not.toBeNull();
    const places = [...whole.matchAll(/: (\S.*)/g)].map((match) => match[1]!);
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 3 }), (place, value) => {
        holds(whole.replace(place, () => JSON.stringify(value)));
      }),
      { numRuns: 500 },
    );
  });
});
