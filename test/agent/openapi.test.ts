import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { HEADER } from "../../src/lib/agent/protocol/headers.js";
import type { Services } from "../../src/lib/agent/server/http/context.js";
import { openApi } from "../../src/lib/agent/server/http/openapi.js";
import {
  dataGroups,
  dispatchGroups,
  gatewayGroups,
} from "../../src/lib/agent/server/http/groups.js";
import { httpServer } from "../../src/lib/agent/server/http/server.js";
import type { Base, Role, RouteGroup } from "../../src/lib/agent/server/roles/role.js";
import { startAgent } from "../../src/lib/agent/server/agent.js";

type DispatchParts = Parameters<typeof dispatchGroups>[0];
type GatewayParts = Parameters<typeof gatewayGroups>[0];

const dir = mkdtempSync(join(tmpdir(), "ops-openapi-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Document = {
  readonly openapi: string;
  readonly paths: Record<
    string,
    Record<
      string,
      {
        parameters: { name: string; in: string; required: boolean }[];
        responses: Record<string, { headers?: Record<string, unknown> }>;
      }
    >
  >;
};
const document = openApi("1.2.3", "data") as Document;
const ofDispatcher = openApi("1.2.3", "dispatch") as Document;
const ofGateway = openApi("1.2.3", "gateway") as Document;

/** `METHOD /path` of the routes that the server really has, with parameters as OpenAPI writes them. */
async function registered(groups: readonly RouteGroup[]): Promise<string[]> {
  // Routes are registered before anything is asked of the services.
  const { app, routes } = httpServer({} as Base, { groups } as Role);
  await app.ready();
  await app.close();
  return routes.map((route) =>
    route
      .replace(":keyspace(^[^:]+)::batch", "{keyspace}:batch")
      .replace(/\/\*$/, "/{key}")
      .replace(/\/:(\w+)/g, "/{$1}"),
  );
}

test.each([
  ["data", document, dataGroups({} as Services), 20],
  ["dispatch", ofDispatcher, dispatchGroups({} as DispatchParts), 10],
  ["gateway", ofGateway, gatewayGroups({} as GatewayParts), 10],
] as const)(
  "the document of the role %s describes exactly the routes that are registered",
  async (_, { paths }, groups, least) => {
    const described = Object.entries(paths).flatMap(([path, calls]) =>
      Object.keys(calls).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.toSorted()).toEqual((await registered(groups)).toSorted());
    expect(described.length).toBeGreaterThan(least);
  },
);

test("every path parameter is declared, once, and required", () => {
  for (const [path, calls] of Object.entries(document.paths)) {
    const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { parameters } of Object.values(calls)) {
      const declared = parameters.filter((one) => one.in === "path");
      expect(declared.map(({ name }) => name)).toEqual(wanted);
      expect(declared.every(({ required }) => required)).toBe(true);
    }
  }
});

test("every header of this API is told of, where it is sent or taken", () => {
  const told = Object.values(document.paths).flatMap((calls) =>
    Object.values(calls).flatMap(({ parameters, responses }) => [
      ...parameters.filter((one) => one.in === "header").map(({ name }) => name),
      ...Object.values(responses).flatMap(({ headers }) => Object.keys(headers ?? {})),
    ]),
  );
  expect([...new Set(told.map((name) => name.toLowerCase()))].toSorted()).toEqual(
    Object.values(HEADER).toSorted(),
  );
  const range = document.paths["/v1/data/{keyspace}"]!["get"]!;
  expect(Object.keys(range.responses["200"]!.headers!)).toEqual(["Ops-Next", "Ops-Next-Owner"]);
});

test.each([document, ofDispatcher])("every $ref leads to something", (document) => {
  const references = referencesIn(document);
  expect(references.length).toBeGreaterThan(10);
  for (const reference of references) {
    expect(reference).toMatch(/^#\//);
    let found: unknown = document;
    for (const part of reference.slice(2).split("/"))
      found = (found as Record<string, unknown>)[part];
    expect(found, reference).toBeTypeOf("object");
  }
});

test("an agent serves it", async () => {
  const config = {
    node: "o1",
    role: "data",
    dir,
    engine: "embedded",
    listen: { host: "127.0.0.1", port: 0 },
    log: { maxBytes: 4 * 1024 ** 3 },
  } as const;
  const agent = await startAgent(config, {
    version: "1.2.3",
    die: (error) => {
      throw error;
    },
  });
  try {
    const answer = await fetch(`${agent.url}/openapi.json`);
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(document)));
  } finally {
    await agent.stop();
  }
});

function referencesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) =>
    name === "$ref" && typeof field === "string" ? [field] : referencesIn(field),
  );
}
