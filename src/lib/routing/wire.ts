import { z } from "zod";
import { EXIT, OpsError } from "../errors.js";
import { bigintWire, segmentFields, segmentWire } from "../keyspace/wire.js";
import { checkTable } from "./check.js";
import { DEFAULT_SETTINGS } from "./settings.js";
import type { RouteTable } from "./table.js";

export const routeNodeWire = z.object({ url: z.string(), region: z.string(), set: z.string() });
export const readerWire = z.object({ node: z.string(), weight: z.number().min(0).max(100) });

/** Older tables and agents have none. */
export const settingsWire = z.object({
  ack: z.enum(["local", "follower"]).default(DEFAULT_SETTINGS.ack),
  syncWindowMs: z.number().min(0).default(DEFAULT_SETTINGS.syncWindowMs),
});

/** A route table as JSON carries it: bigints as decimal strings. Unknown fields are ignored: newer agents may add some. */
export const routeTableWire = z.object({
  keyspace: z.string(),
  sharding: z.enum(["range", "consistent-hash"]),
  domain: segmentWire,
  version: z.int().min(0),
  withdrawn: z.literal(true).optional(),
  settings: settingsWire.prefault({}),
  nodes: z.record(z.string(), routeNodeWire),
  segments: z.array(
    z.object({
      ...segmentFields,
      shard: z.string(),
      writer: z.string(),
      generation: bigintWire,
      readers: z.array(readerWire),
    }),
  ),
});

export type RouteTableWire = z.input<typeof routeTableWire>;

/** `GET /v1/routes`: every table has passed `checkTable`. */
export const routesAnswer = z.object({
  v: z.literal(1),
  etag: z.string(),
  tables: z.array(
    routeTableWire.superRefine((table, context) => {
      for (const message of checkTable(table)) context.addIssue({ code: "custom", message });
    }),
  ),
});

export type RoutesAnswer = z.output<typeof routesAnswer>;

/** A value that `JSON.stringify` takes. */
export function encodeTable(table: RouteTable): RouteTableWire {
  return {
    keyspace: table.keyspace,
    sharding: table.sharding,
    domain: { lo: String(table.domain.lo), hi: String(table.domain.hi) },
    version: table.version,
    ...(table.withdrawn ? { withdrawn: true } : {}),
    settings: { ack: table.settings.ack, syncWindowMs: table.settings.syncWindowMs },
    nodes: { ...table.nodes },
    segments: table.segments.map(({ lo, hi, shard, writer, generation, readers }) => ({
      lo: String(lo),
      hi: String(hi),
      shard,
      writer,
      generation: String(generation),
      readers: readers.map(({ node, weight }) => ({ node, weight })),
    })),
  };
}

/** Reads a parsed JSON value. Throws OpsError `bad-route-table` (exit 3) when its shape or `checkTable` says no. */
export function decodeTable(value: unknown): RouteTable {
  const parsed = routeTableWire.safeParse(value);
  if (!parsed.success)
    throw bad(parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`));
  const problems = checkTable(parsed.data);
  if (problems.length > 0) throw bad(problems);
  return parsed.data;
}

function bad(problems: readonly string[]): OpsError {
  return new OpsError(
    "bad-route-table",
    EXIT.refused,
    `Not a usable route table: ${problems.join("; ")}`,
    {
      hint: "Take it from an agent (ops route export), not from an edited file.",
      details: problems,
    },
  );
}
