import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ruleText, rulesPage } from "../../src/lib/report/rule-text.js";
import { renderTopologyCheck } from "../../src/lib/report/topology-check.js";
import { checkTopology, parseTopology } from "../../src/lib/topology/parse.js";
import { findRule, RULE_INFOS } from "../../src/lib/topology/rules/registry.js";
import { EXAMPLE, example } from "./example.js";

const found = (text: string) =>
  checkTopology(text, "t").problems.map(({ rule, severity }) => `${severity} ${rule}`);
const policy = (rules: string) => `policy: { rules: { ${rules} } }\n`;

describe("what there is to say of a rule", () => {
  test("is the page docs/rules.md (else: node scripts/rules.js)", () => {
    expect(readFileSync("docs/rules.md", "utf8")).toBe(rulesPage([...RULE_INFOS.values()]));
  });

  test.each([...RULE_INFOS.values()])("is whole, and fits a terminal: $id", (rule) => {
    expect(rule.id).toMatch(/^[a-z]+(-[a-z0-9]+)*$/);
    for (const text of [rule.checks, rule.why, rule.mend]) expect(text).toMatch(/\S\.$/);
    expect(rule.example).not.toBe("");
    for (const line of ruleText(rule).split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("is asked for by name, and the nearest name is told", () => {
    expect(findRule("gap").id).toBe("gap");
    expect(() => findRule("overlaps")).toThrow(
      expect.objectContaining({ code: "unknown-rule", exit: 64, hint: "did you mean overlap?" }),
    );
  });
});

describe("policy.rules", () => {
  const alone = example("primary: e1, replicas: [w1]", "primary: e1");

  test("raises, lowers and switches off, and each check says so with the reason", () => {
    expect(found(alone)).toEqual(["warning region-loss"]);
    const raised = alone + policy("region-loss: { severity: error, reason: never again }");
    expect(found(raised)).toEqual(["error region-loss"]);
    expect(checkTopology(raised, "t").topology).toBeNull();
    const off = alone + policy("region-loss: { severity: off, reason: west comes in May }");
    const { topology, problems } = checkTopology(off, "t");
    expect(problems).toEqual([]);
    expect(topology!.policy.rules).toEqual([
      { rule: "region-loss", severity: "off", reason: "west comes in May" },
    ]);
    expect(renderTopologyCheck("t", topology, problems)).toBe(
      "t: region-loss is off here, usually a warning: west comes in May\n" +
        "t: capacity was not checked: there is no `demand`\n" +
        "t: ok, 2 regions, 2 sets, 2 nodes, 1 keyspace, 2 shards",
    );
  });

  test("may lower replica-spread, and the topology is valid then", () => {
    const both = `${example("replicas: [w1]", "replicas: [w1, e2]").replace(
      "                e1:",
      '                e2: { agent: "http://127.0.0.1:7403", engine: embedded, capacity: { memory: 1GiB, ops: 1, network: 1bps } }\n                e1:',
    )}`;
    expect(found(both)).toEqual(["error replica-spread"]);
    const lowered = both + policy("replica-spread: { severity: warning, reason: until June }");
    expect(found(lowered)).toEqual(["warning replica-spread"]);
    expect(parseTopology(lowered, "t").policy.rules).toHaveLength(1);
  });

  test.each([
    ["a rule that does not exist", "gab: { severity: off, reason: why not }", "unknown-rule"],
    ["a rule of structure, lowered", "gap: { severity: warning, reason: x }", "fixed-rule"],
    ["a rule of structure, as it is", "gap: { severity: error, reason: x }", "fixed-rule"],
    ["the reading of the file", "yaml-syntax: { severity: off, reason: x }", "fixed-rule"],
    ["these checks themselves", "fixed-rule: { severity: off, reason: x }", "fixed-rule"],
    ["no reason", "region-loss: { severity: off }", "missing-field"],
    ["a blank reason", 'region-loss: { severity: off, reason: " " }', "bad-value"],
    ["a severity that is none", "region-loss: { severity: low, reason: x }", "bad-value"],
  ])("is refused: %s", (_, rules, rule) => {
    expect(found(EXAMPLE + policy(rules))).toEqual([`error ${rule}`]);
  });

  test("with a mistake in it changes nothing", () => {
    const text = alone + policy("region-loss: { severity: low, reason: x }");
    expect(found(text)).toEqual(["warning region-loss", "error bad-value"]);
  });

  test("is completed by editors with the names that can be changed", () => {
    const schema = readFileSync("schema/topology.schema.json", "utf8");
    const adjustable = [...RULE_INFOS.values()].filter((rule) => rule.adjustable);
    const { properties } = JSON.parse(schema).properties.policy;
    expect(properties.rules.propertyNames.enum).toEqual(adjustable.map(({ id }) => id));
  });
});
