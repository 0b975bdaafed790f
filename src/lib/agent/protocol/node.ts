import { z } from "zod";
import { logPosition, nodeRef, uint64 } from "./json.js";

const linkStatus = z.object({
  id: z.string(),
  purpose: z.enum(["replica", "move"]),
  phase: z.enum(["copying", "catching-up", "streaming", "disconnected"]),
  /** Copied so far by the snapshot. */
  rows: z.number(),
  bytes: z.number(),
  /** Copy rate now. */
  bytesPerSecond: z.number(),
  /** How stale the copy may be beyond `heldMs`; null while that is not known. */
  lagMs: z.number().nullable(),
  /** For how long changes may be held back on purpose: see `syncWindowMs` of the routes. */
  heldMs: z.number().default(0),
  verified: z.boolean(),
  /** How often the copy had to begin anew. */
  restarts: z.number(),
  throttle: z.object({
    bytesPerSecond: z.number().nullable(),
    reason: z.enum(["none", "limit", "foreground"]),
  }),
  error: z.string().nullable(),
  /** Milliseconds in this phase. */
  since: z.number(),
});
export type LinkStatus = z.infer<typeof linkStatus>;

const entryStatus = z.object({
  keyspace: z.string(),
  lo: uint64,
  hi: uint64,
  role: z.enum(["primary", "follower", "claiming"]),
  phase: z.string(),
  generation: uint64,
  cursor: logPosition,
  /** As `init` made it, neither written nor moved since; an older agent says nothing. */
  untouched: z.boolean().default(false),
  readable: z.boolean(),
  source: nodeRef.nullable(),
  link: linkStatus.nullable(),
  handed: z.object({ to: z.string(), generation: uint64 }).nullable(),
});
export type EntryStatus = z.infer<typeof entryStatus>;

/** `data`: holds segments of keyspaces. `dispatch`: tells logins where to go. `gateway`: holds the sessions of users. */
export const agentRole = z.enum(["data", "dispatch", "gateway"]);
export type AgentRole = z.infer<typeof agentRole>;

/** `GET /v1/node`. An agent that is not of the role `data` has no entries and no routes. */
export const nodeStatus = z.object({
  v: z.literal(1),
  node: z.string(),
  /** An older agent says nothing: it is of the role `data`. */
  role: agentRole.default("data"),
  url: z.string(),
  version: z.string(),
  engine: z.string(),
  bootId: z.string(),
  uptimeMs: z.number(),
  lineage: z.string().nullable(),
  /** How often it has left one for another; an older agent says nothing. */
  lineageChanges: z.number().int().default(0),
  epochs: z.record(z.string(), uint64),
  store: z.object({
    bytes: z.number(),
    diskFreeBytes: z.number(),
    memoryFreeBytes: z.number(),
  }),
  log: z.object({ first: uint64, last: uint64, bytes: z.number(), maxBytes: z.number() }),
  entries: z.array(entryStatus),
  dropping: z.array(z.object({ keyspace: z.string(), lo: uint64, hi: uint64 })),
  followers: z.array(z.object({ node: z.string(), keyspace: z.string(), lagIndexes: uint64 })),
  /** What the change streams to the followers of each region have cost; an older agent says nothing. */
  sync: z
    .array(
      z.object({
        keyspace: z.string(),
        region: z.string(),
        /** Since the process began, frames as they were sent; and if every change had been sent. */
        sentBytes: z.number(),
        plainBytes: z.number(),
        /** Means of so many seconds, the last that are over. */
        seconds: z.number(),
        sentBytesPerSecond: z.number(),
        plainBytesPerSecond: z.number(),
      }),
    )
    .default([]),
  /** Version of the stored route table of each keyspace. */
  routes: z.record(z.string(), z.number().int()),
  /** Version of the stored policy document; null for none, and of the role `data`. */
  policy: z.number().int().nullable().default(null),
  /** Where clients connect; null of all but gateways. */
  access: z
    .object({
      site: z.string(),
      addresses: z.array(z.object({ site: z.string(), url: z.string(), port: z.int() })),
    })
    .nullable()
    .default(null),
});
export type NodeStatus = z.infer<typeof nodeStatus>;

/** `PUT /v1/lineage`: the lineage that is left for that of the headers, and `lineageChanges` as the node has told it. */
export const lineageRequest = z.strictObject({
  from: z.string().min(8).max(64),
  changes: z.number().int().min(0),
});
export type LineageRequest = z.infer<typeof lineageRequest>;

const bucket = z.object({
  lo: uint64,
  rows: z.number(),
  bytes: z.number(),
  /** Reads and writes a second that this node answered, over about the last five minutes; an older agent says nothing. */
  ops: z.number().optional(),
  /** Bytes a second of the keys and values in these. */
  traffic: z.number().optional(),
});
/** `GET /v1/histogram`: equal-width buckets over `[lo, hi)` of the rows that the node holds. */
export const histogram = z.object({
  v: z.literal(1),
  keyspace: z.string(),
  lo: uint64,
  hi: uint64,
  rows: z.number(),
  bytes: z.number(),
  /** For how long this process has counted accesses. */
  countedSeconds: z.number().optional(),
  buckets: z.array(bucket),
});
export type Histogram = z.infer<typeof histogram>;

const accessStats = z.object({
  count: z.number(),
  errors: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
});
/** `GET /v1/stats`: data accesses of one keyspace at this node in the last `seconds`. */
export const stats = z.object({
  v: z.literal(1),
  seconds: z.number(),
  reads: accessStats,
  writes: accessStats,
});
export type Stats = z.infer<typeof stats>;
