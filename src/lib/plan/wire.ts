import { z } from "zod";
import { segmentFields, segmentWire } from "../keyspace/wire.js";
import { readerWire, routeNodeWire, settingsWire } from "../routing/wire.js";
import { amountWire, estimateWire } from "./estimate-wire.js";
import { PLAN_VERSION, STAGE_KINDS, type ShardPlan, type ShardStep } from "./types.js";

const id = z.string().min(1);
const seconds = z.number().min(0);
const ofSegments = { id, keyspace: id, segments: z.array(segmentWire).min(1) };
const onNode = { ...ofSegments, node: id };
const domain = segmentWire.nullable();

const gates = z.object({
  windowSeconds: seconds,
  minSamples: z.number().min(0),
  whenQuiet: z.enum(["proceed", "stop"]),
  maxErrorRate: z.number().min(0),
  maxP99Ratio: z.number().min(0),
  p99FloorMs: z.number().min(0),
  maxLagMs: z.number().min(0),
  checkUrl: z.string().nullable(),
});

const step = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("preflight"), id, node: id, bytesIn: amountWire }),
  z.object({ kind: z.literal("adopt"), id, node: id, from: id, changes: z.number().int().min(0) }),
  z.object({ kind: z.literal("init"), ...onNode, shard: id }),
  z.object({
    kind: z.literal("link"),
    ...onNode,
    source: id,
    purpose: z.enum(["replica", "move"]),
    bytes: amountWire,
    bytesPerSecond: z.number().positive().nullable(),
  }),
  z.object({ kind: z.literal("sync"), ...onNode, maxLagMs: z.number().min(0) }),
  z.object({
    kind: z.literal("verify"),
    ...onNode,
    source: id.optional(),
    unlessProven: z.literal(true).optional(),
  }),
  z.object({ kind: z.literal("repoint"), ...onNode, source: id }),
  z.object({
    kind: z.literal("domain"),
    id,
    keyspace: id,
    before: domain,
    after: domain,
    anew: z.literal(true).optional(),
  }),
  z.object({
    kind: z.literal("settings"),
    id,
    keyspace: id,
    before: settingsWire,
    after: settingsWire,
  }),
  z.object({ kind: z.literal("relabel"), ...ofSegments, shard: id, shardBefore: id }),
  z.object({
    kind: z.literal("readers"),
    ...ofSegments,
    before: z.array(readerWire),
    after: z.array(readerWire),
  }),
  z.object({ kind: z.literal("gate"), id, keyspace: id, node: id, source: id, gates }),
  z.object({
    kind: z.literal("takeover"),
    ...onNode,
    from: id,
    shard: id,
    shardBefore: id,
    budgetMs: z.number().positive(),
  }),
  z.object({ kind: z.literal("soak"), id, seconds }),
  z.object({ kind: z.literal("drop"), ...onNode }),
  z.object({ kind: z.literal("discard"), ...onNode }),
]) satisfies z.ZodType<ShardStep, unknown>;

/** Strict, since the fingerprints cover nothing else. */
const holding = z.strictObject({
  ...segmentFields,
  shard: id,
  primary: id,
  replicas: z.array(id),
});

/** A plan as JSON carries it: bigints as decimal strings. */
export const planWire = z.object({
  v: z.literal(PLAN_VERSION),
  kind: z.literal("shards"),
  hash: z.string(),
  createdAt: z.string(),
  topology: z.object({ name: z.string(), hash: z.string() }),
  fingerprint: z.object({ before: z.string(), after: z.string() }),
  scopes: z.array(id),
  keyspaces: z.array(
    z.object({
      id,
      sharding: z.enum(["range", "consistent-hash"]),
      domain: z.object({ before: domain, after: domain }),
      settings: z.object({ before: settingsWire, after: settingsWire }),
      before: z.array(holding),
      after: z.array(holding),
    }),
  ),
  nodes: z.record(id, routeNodeWire),
  limits: z.object({
    perNode: z.int().positive(),
    total: z.int().positive(),
    lines: z.record(id, z.number().positive()).optional(),
    blastRadius: z.literal("set").optional(),
  }),
  stages: z.array(
    z.object({
      id,
      kind: z.enum(STAGE_KINDS),
      title: z.string(),
      waves: z.array(z.array(step)),
      undo: z.object({ how: z.string(), lossless: z.boolean(), lossBound: z.string() }),
      estimate: estimateWire,
    }),
  ),
  estimate: estimateWire,
  copying: z.object({ seconds, boundSeconds: seconds, because: z.string() }).optional(),
}) satisfies z.ZodType<ShardPlan, unknown>;
