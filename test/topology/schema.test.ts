import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { topologyJsonSchema } from "../../src/lib/topology/json-schema.js";

const FILE = "schema/topology.schema.json";

test("the committed JSON Schema is the one that the code generates (else: node scripts/schema.js)", () => {
  expect(readFileSync(FILE, "utf8")).toBe(topologyJsonSchema());
});

test("every field that a person fills in has a description for the editor", () => {
  const bare: string[] = [];
  const visit = (schema: unknown, path: string): void => {
    if (typeof schema !== "object" || schema === null) return;
    const { properties, additionalProperties, items, anyOf, oneOf } = schema as Record<
      string,
      unknown
    >;
    for (const [name, field] of Object.entries(properties ?? {})) {
      const { description } = field as { description?: string };
      const inner = (field as { anyOf?: { description?: string }[] }).anyOf?.some(
        (one) => one.description !== undefined,
      );
      if (description === undefined && inner !== true) bare.push(`${path}.${name}`);
      visit(field, `${path}.${name}`);
    }
    for (const part of [additionalProperties, items, ...[anyOf, oneOf].flat()]) visit(part, path);
  };
  visit(JSON.parse(readFileSync(FILE, "utf8")), "");
  expect(bare).toEqual([]);
});

test("the fixtures name the schema for the editor", () => {
  for (const folder of ["qq-three-regions", "demo", "two-shards"]) {
    const text = readFileSync(`fixtures/topologies/${folder}/topology.yaml`, "utf8");
    expect(text).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/\.\.\/\.\.\/schema\/topology\.schema\.json\n/,
    );
  }
});
