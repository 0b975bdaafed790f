import { z } from "zod";
import { SCHEDULE } from "../../policy/document.js";
import type { Segment } from "../../keyspace/segment.js";
import { nodeRef, segmentOf, uint64 } from "./json.js";

const sharding = z.enum(["range", "consistent-hash"]);
const rate = z.number().int().positive().nullable();
/** What is deleted is named by what it is known to be. */
const held = { link: z.string().nullable(), generation: uint64 };
const bounds = { lo: uint64, hi: uint64 };
/** `lo` and `hi`, and further segments of which the same is asked; in any order, without overlaps. */
const segments = { ...segmentOf.shape, also: z.array(z.strictObject(bounds)).optional() };

/** Sessions of a gateway, and how fast; what is null stands for all, or for no limit. */
const departure = {
  /** On whose account: a session is told at most once for the same one. */
  entry: z.string().min(1).max(128),
  filter: z.strictObject({
    carrier: z.string().nullable(),
    province: z.string().nullable(),
    port: z.int().nullable(),
  }),
  /** 0: nobody more, but those who were told are seen to go. */
  count: z.int().nonnegative().nullable(),
  perSecond: z.number().positive().max(1_000_000).nullable(),
};

/** What `PUT /v1/operations/{id}` takes. See docs/agent-api.md for what each kind does. */
export const operationRequest = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("init"), ...segments, sharding }),
  z.strictObject({ kind: z.literal("retract"), ...segments }),
  z.strictObject({
    kind: z.literal("link"),
    ...segments,
    sharding,
    link: z.string().min(1).max(128),
    source: nodeRef,
    purpose: z.enum(["replica", "move"]),
    bytesPerSecond: rate,
  }),
  z.strictObject({ kind: z.literal("repoint"), ...segments, source: nodeRef }),
  z.strictObject({ kind: z.literal("sync"), ...segments, maxLagMs: z.number().positive() }),
  z.strictObject({ kind: z.literal("verify"), ...segments }),
  z.strictObject({ kind: z.literal("throttle"), ...segments, bytesPerSecond: rate }),
  z.strictObject({
    kind: z.literal("takeover"),
    ...segments,
    generation: uint64,
    budgetMs: z.number().int().positive().max(60_000),
  }),
  z.strictObject({
    kind: z.literal("drop"),
    ...segmentOf.shape,
    ...held,
    also: z.array(z.strictObject({ ...bounds, ...held })).optional(),
  }),
  z.strictObject({
    kind: z.literal("discard"),
    ...segmentOf.shape,
    generation: uint64,
    also: z.array(z.strictObject({ ...bounds, generation: uint64 })).optional(),
  }),
  z.strictObject({
    kind: z.literal("relogin"),
    ...departure,
    /** Only those whom the policy has at this site; without it all whom it has elsewhere. */
    home: z.string().optional(),
    /** Who was told and is still there after so long is closed. */
    withinMs: z.int().min(100).max(3_600_000),
  }),
  z.strictObject({ kind: z.literal("disconnect"), ...departure }),
]);
export type OperationRequest = z.infer<typeof operationRequest>;
/** What is asked of an agent that holds data. */
export type DataRequest = Extract<OperationRequest, { readonly keyspace: string }>;
export type OperationKind = OperationRequest["kind"];

/** The scope in which a request of this kind is made. */
export function scopeOf(request: OperationRequest): string {
  return "keyspace" in request ? `keyspace/${request.keyspace}` : SCHEDULE;
}

/** Every segment of which something is asked. */
export function segmentsOf({
  lo,
  hi,
  also = [],
}: Segment & { readonly also?: readonly Segment[] | undefined }): Segment[] {
  return [{ lo, hi }, ...also];
}

export const operationError = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  outcome: z.enum(["none", "partial", "unknown"]),
  hint: z.string().optional(),
});
export type OperationError = z.infer<typeof operationError>;

export const progress = z.object({
  done: z.number(),
  total: z.number().nullable(),
  unit: z.enum(["rows", "bytes", "ms", "sessions"]),
  /** Units per second. */
  rate: z.number().nullable(),
});
export type Progress = z.infer<typeof progress>;

export const operationState = z.enum([
  "pending",
  "running",
  "succeeded",
  "failed",
  "cancelled",
  "interrupted",
]);
export type OperationState = z.infer<typeof operationState>;

/**
 * An operation as the agent stores and shows it. `request` is what was put, with its numbers as strings; it may name thousands of
 * segments, so a poll that says what it has seen (`after`) is answered without it.
 */
export const operation = z.object({
  id: z.string(),
  kind: z.string(),
  request: z.record(z.string(), z.unknown()).optional(),
  state: operationState,
  /** Rises with every change. */
  rev: z.number().int(),
  scope: z.string(),
  epoch: uint64,
  lineage: z.string(),
  phase: z.string(),
  progress: progress.nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
  error: operationError.nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type Operation = z.infer<typeof operation>;

/** Whether no more will come of it without another request. */
export function isEnded(state: OperationState): boolean {
  return state !== "pending" && state !== "running";
}
