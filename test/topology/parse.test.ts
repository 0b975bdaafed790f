import { describe, expect, test } from "vitest";
import { OpsError } from "../../src/lib/errors.js";
import { POSITION_END } from "../../src/lib/keyspace/segment.js";
import { checkTopology, parseTopology } from "../../src/lib/topology/parse.js";
import { EXAMPLE, example } from "./example.js";

const rules = (text: string | Uint8Array) =>
  checkTopology(text, "t.yaml").problems.map(({ rule }) => rule);

describe("a valid topology", () => {
  const topology = parseTopology(EXAMPLE, "t.yaml");

  test("has every number without its unit and every place resolved", () => {
    expect(topology.nodes[0]).toEqual({
      id: "e1",
      set: "east-1-a",
      idc: "east-1",
      region: "east",
      layer: "data",
      agent: "http://127.0.0.1:7401",
      engine: "embedded",
      capacity: { memoryBytes: 8 * 2 ** 30, opsPerSecond: 50_000, networkBitsPerSecond: 1e9 },
    });
    expect(topology.sets[1]).toEqual({
      id: "west-1-a",
      idc: "west-1",
      region: "west",
      capacity: { onlineUsers: 1_000_000, loginsPerSecond: 1000 },
    });
    expect(topology.keyspaces[0]).toEqual({
      id: "profile",
      ack: "local",
      class: "relationship",
      sync: "global",
      sharding: "range",
      domain: { lo: 0n, hi: 1000n },
      shards: [
        { id: "a", segments: [{ lo: 0n, hi: 500n }], primary: "e1", replicas: ["w1"] },
        { id: "b", segments: [{ lo: 500n, hi: 1000n }], primary: "w1", replicas: ["e1"] },
      ],
    });
  });

  test("gets a policy where it states none", () => {
    expect(topology.policy).toEqual({
      regionsLost: 1,
      headroom: 0.1,
      skew: 2,
      syncWindowMs: 1000,
      rules: [],
      spread: "region",
      promotion: { reads: [1, 10, 50, 100], canary: 0.01, slices: 1 },
      gates: {
        windowSeconds: 30,
        minSamples: 200,
        whenQuiet: "proceed",
        maxErrorRate: 0.01,
        maxP99Ratio: 2,
        p99FloorMs: 20,
        maxLagMs: 1000,
        checkUrl: null,
      },
      concurrency: { perNode: 2, total: 8 },
      linkBytesPerSecond: 200_000_000,
      lineShare: 0.5,
      blastRadius: "unlimited",
      takeoverBudgetMs: 500,
      soakSeconds: 600,
    });
  });

  test("keeps the defaults of what a policy leaves out", () => {
    const { policy } = parseTopology(
      `${EXAMPLE}policy: { gates: { window: 500ms }, bandwidth: { perLink: unlimited } }\n`,
      "t",
    );
    expect(policy.gates).toMatchObject({ windowSeconds: 0.5, minSamples: 200 });
    expect(policy.linkBytesPerSecond).toBeNull();
    expect(policy.soakSeconds).toBe(600);
  });

  test("sorts segments and keeps positions exact beyond 2^53", () => {
    const text = example("[0..500]", "[9007199254740993..18446744073709551616, 0..500]")
      .replace("domain: 0..1000", "domain: 0..18446744073709551616")
      .replace("500..1000", "500..9007199254740993");
    expect(parseTopology(text, "t").keyspaces[0]!.shards[0]!.segments).toEqual([
      { lo: 0n, hi: 500n },
      { lo: 9007199254740993n, hi: POSITION_END },
    ]);
  });

  test("takes the segments of a consistent-hash keyspace from the ring, which covers everything", () => {
    const text = `${EXAMPLE}  status: { class: status, sync: global, sharding: consistent-hash, virtualNodes: 8, shards: { x: { primary: e1, replicas: [w1] }, y: { primary: w1, replicas: [e1] } } }\n`;
    const { domain, shards } = parseTopology(text, "t").keyspaces[1]!;
    expect(domain).toEqual({ lo: 0n, hi: POSITION_END });
    const sizes = shards.flatMap(({ segments }) => segments.map(({ lo, hi }) => hi - lo));
    expect(sizes.reduce((a, b) => a + b)).toBe(POSITION_END);
  });

  test("may have 100,000 segments, each on a line of its own; above the limit it says the limit and what to do", () => {
    const of = (segments: number) => {
      const lines = Array.from({ length: segments }, (_, i) => `          - ${i}..${i + 1}\n`);
      return example("domain: 0..1000", `domain: 0..${segments}`)
        .replace(/a: \{.*\n/, () => `a:\n        primary: e1\n        segments:\n${lines.join("")}`)
        .replace(/ {6}b: .*\n/, "");
    };
    expect(parseTopology(of(100_000), "t").keyspaces[0]!.shards[0]!.segments).toHaveLength(100_000);
    const [problem] = checkTopology(of(200_000), "t").problems;
    expect(problem).toMatchObject({
      rule: "too-large",
      message: "more than 1,000,000 pieces of YAML syntax",
    });
    expect(problem!.hint).toContain("fewer, larger segments");
  });

  test("may use aliases for whole values", () => {
    const text = example(
      "capacity: { memory: 8GiB, ops: 50k, network: 1Gbps } }\n  west",
      "capacity: &c { memory: 8GiB, ops: 50k, network: 1Gbps } }\n  west",
    ).replace(/(w1: .*)capacity: \{.*?\}/, "$1capacity: *c");
    expect(text).toContain("*c");
    expect(parseTopology(text, "t")).toEqual(topology);
  });

  test("means the same with a byte order mark and with Windows line ends", () => {
    expect(parseTopology(`\ufeff${EXAMPLE.replaceAll("\n", "\r\n")}`, "t")).toEqual(topology);
  });

  test("drops the slash at the end of an agent's URL", () => {
    const text = example("http://127.0.0.1:7401", "http://127.0.0.1:7401/");
    expect(parseTopology(text, "t")).toEqual(topology);
  });
});

describe("a problem", () => {
  test.each([
    ["plain", ""],
    ["with a byte order mark", "\ufeff"],
  ])("stands at the column an editor shows, %s", (_, mark) => {
    const text = mark + example("primary: e1", "primary: 上海");
    const [problem] = checkTopology(text, "t.yaml").problems.filter(
      ({ rule }) => rule === "unknown-node",
    );
    expect(problem).toMatchObject({
      severity: "error",
      file: "t.yaml",
      line: 31,
      column: 41,
      endColumn: 43,
      path: "keyspaces.profile.shards.a.primary",
      source: "      a: { segments: [0..500], primary: 上海, replicas: [w1] }",
    });
  });

  test("on a line that ends with CR LF does not show the CR", () => {
    const text = example("primary: e1", "primary: e7").replaceAll("\n", "\r\n");
    const [problem] = checkTopology(text, "t").problems;
    expect(problem!.source).toMatch(/replicas: \[w1\] \}$/);
  });

  test("never hides another: the schema, the rules and the YAML are checked together", () => {
    const text = example("memory: 8GiB", "memory: 8 gigs")
      .replace("primary: e1", "primary: e7")
      .replace("[500..1000]", "[600..1000]")
      .replace("sync: global", "sync: globl\n    sync: local")
      .replace("name: example", "name: @x");
    expect(rules(text)).toEqual([
      "yaml-syntax",
      "bad-name",
      "bad-value",
      "bad-value",
      "duplicate-key",
      "gap",
      "unknown-node",
    ]);
  });

  test("of a gap is not made up where a segment could not be read", () => {
    expect(rules(example("[500..1000]", "[500..1OOO]"))).toEqual(["bad-value"]);
  });

  test("is thrown as one OpsError with all of them", () => {
    const text = example("primary: e1", "primary: e7").replace("primary: w1", "primary: w7");
    const error = (() => {
      try {
        return parseTopology(text, "t.yaml");
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(OpsError);
    expect(error).toMatchObject({
      code: "invalid-topology",
      exit: 3,
      details: [{ line: 31 }, { line: 32 }],
    });
    expect((error as OpsError).message).toMatch(
      /t\.yaml:31:41: error: .*\n.*\n.*\^\^\n[^]*t\.yaml:32:44: error/,
    );
  });
});

describe("a warning", () => {
  test("does not keep a topology from being valid", () => {
    const { topology, problems } = checkTopology(
      example("primary: e1, replicas: [w1]", "primary: e1"),
      "t",
    );
    expect(topology).not.toBeNull();
    expect(problems.map(({ rule, severity }) => [rule, severity])).toEqual([
      ["region-loss", "warning"],
    ]);
  });
});

describe("the spread of copies", () => {
  const sameRegion = example("replicas: [w1] }\n", "replicas: [w1, e2] }\n").replace(
    "                e1:",
    `                e2: { agent: "http://127.0.0.1:7403", engine: embedded, capacity: { memory: 1GiB, ops: 1, network: 1bps } }\n                e1:`,
  );

  test("is over regions unless the policy says otherwise", () => {
    expect(rules(sameRegion)).toEqual(["replica-spread"]);
  });

  test("may be over sets or nodes", () => {
    expect(rules(`${sameRegion}policy: { spread: set }\n`)).toEqual(["replica-spread"]);
    expect(rules(`${sameRegion}policy: { spread: node }\n`)).toEqual([]);
  });
});

describe("what the service must carry", () => {
  const DEMAND = `demand:
  onlineUsers: 1M
  loginsPerSecond: 800
  carriers: { telecom: 45%, unicom: 500k }
  provinces: { guangdong: 11% }
  perUser: { access: { memory: 2kB, ops: 0.01, network: 200bps } }
links:
  - { between: [west, east], bandwidth: 1Gbps }
`;

  test("is read without its units, shares of carriers as shares of the users", () => {
    const { demand, links } = parseTopology(EXAMPLE + DEMAND, "t");
    const none = { memoryBytes: 0, opsPerSecond: 0, networkBitsPerSecond: 0 };
    expect(demand).toEqual({
      onlineUsers: 1_000_000,
      loginsPerSecond: 800,
      carriers: [
        { id: "telecom", share: 0.45 },
        { id: "unicom", share: 0.5 },
      ],
      provinces: [{ id: "guangdong", share: 0.11 }],
      perUser: {
        access: { memoryBytes: 2000, opsPerSecond: 0.01, networkBitsPerSecond: 200 },
        logic: none,
        data: none,
      },
    });
    expect(links).toEqual([{ between: ["west", "east"], bitsPerSecond: 1e9 }]);
  });

  test("over a carrier's line into an idc is said beside its name", () => {
    const lines = (text: string) => example("carriers: [telecom]", `carriers: ${text}`);
    const [idc] = parseTopology(lines("{ telecom: 60M, unicom: {} }"), "t").idcs;
    expect(idc!.carriers).toEqual(["telecom", "unicom"]);
    expect(idc!.carrierUsers).toEqual({ telecom: 60_000_000 });
    expect(rules(lines("{ telecom: 60X }"))).toEqual(["bad-value"]);
    expect(rules(lines("{ telecom: { users: 60M } }"))).toEqual(["unknown-field"]);
    expect(rules(lines("{ telecom: }"))).toEqual(["wrong-type"]);
    expect(rules(lines("{}"))).toEqual(["bad-value"]);
    expect(rules(lines("[]"))).toEqual(["bad-value"]);
    expect(rules(lines("[5]"))).toEqual(["wrong-type"]);
    expect(rules(lines("telecom"))).toEqual(["wrong-type"]);
    expect(rules(lines("{ -x: 60M }"))).toEqual(["bad-name"]);
  });

  test("of a keyspace and a shard is read too", () => {
    const load = "load: { bytes: 4GB, writesPerSecond: 2k, changeTraffic: 200kB/s }";
    const text = example(
      "    shards:\n      a: {",
      `    ${load}\n    shards:\n      a: { share: 40%,`,
    );
    const [keyspace] = parseTopology(text, "t").keyspaces;
    expect(keyspace!.load).toEqual({
      bytes: 4e9,
      readsPerSecond: 0,
      writesPerSecond: 2000,
      readBytesPerSecond: 0,
      changeBytesPerSecond: 200_000,
      changedKeys: null,
    });
    expect(keyspace!.shards.map(({ share }) => share)).toEqual([0.4, undefined]);
  });

  test.each([
    ["carriers of more users than there are", "unicom: 500k", "unicom: 560k"],
    [
      "more carriers than can be told apart",
      "unicom: 500k",
      "a: 0, b: 0, c: 0, d: 0, e: 0, f: 0, g: 0, h: 0",
    ],
    ["a share of a carrier that is none", "45%", "450%"],
    ["provinces of more users than there are", "11%", "1001k"],
    ["a carrier with the name of all others", "unicom: 500k", "other: 500k"],
    ["a link that ends nowhere", "[west, east]", "[west]"],
    ["nobody", "onlineUsers: 1M", "onlineUsers: 0"],
  ])("is refused: %s", (_, from, to) => {
    expect(DEMAND).toContain(from);
    expect(rules(EXAMPLE + DEMAND.replace(from, to))).toEqual(["bad-value"]);
  });

  test.each([
    ["60%", "60%", ["bad-value"]],
    ["40%", "30%", ["bad-value"]],
    ["40%", "60%", []],
  ])("shards of which all say a share have the whole: %s and %s", (a, b, found) => {
    const text = example("a: {", `a: { share: ${a},`).replace("b: {", `b: { share: ${b},`);
    expect(rules(text)).toEqual(found);
  });
});
