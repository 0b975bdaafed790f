import { z } from "zod";
import { logPosition, nodeRef, segmentOf, uint64 } from "./json.js";

/** `POST /v1/ownership/{fence|handover|resolve}`: what one agent asks another about an entry. */
export const ownershipRequest = z.strictObject({
  ...segmentOf.shape,
  /** Who asks, and where to follow it after a handover. */
  from: nodeRef,
  request: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("fence"),
      attempt: z.string().min(16).max(64),
      next: uint64,
      budgetMs: z.number().int().positive().max(60_000),
    }),
    z.strictObject({
      kind: z.literal("handover"),
      attempt: z.string().min(16).max(64),
      token: z.string().min(16).max(64),
      position: logPosition,
    }),
    z.strictObject({ kind: z.literal("resolve"), attempt: z.string().min(16).max(64) }),
  ]),
});
export type OwnershipRequest = z.infer<typeof ownershipRequest>;

/** Its answer. */
export const ownershipAnswer = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("fenced"),
    answers: z.literal("fence"),
    attempt: z.string(),
    token: z.string(),
    final: logPosition,
  }),
  z.object({
    kind: z.literal("handed"),
    answers: z.enum(["handover", "resolve"]),
    attempt: z.string(),
    position: logPosition,
  }),
  z.object({ kind: z.literal("released"), answers: z.literal("resolve"), attempt: z.string() }),
  z.object({
    kind: z.literal("refused"),
    answers: z.enum(["fence", "handover"]),
    attempt: z.string(),
    reason: z.enum([
      "not-primary",
      "busy",
      "wrong-generation",
      "attempt-ended",
      "fence-ended",
      "behind",
    ]),
  }),
]);

/** `POST /v1/ownership/reign`: does the node reign over all of this segment, and in which generation (the lowest of its parts)? */
export const reignRequest = z.strictObject(segmentOf.shape);
export const reignAnswer = z.object({
  reign: z.object({ node: z.string(), generation: uint64 }).nullable(),
});

/** `POST /v1/reach`: can this node reach another agent, and is it the one? */
export const reachRequest = nodeRef;
export const reachAnswer = z.object({ reached: z.boolean(), error: z.string().nullable() });
export type ReachAnswer = z.infer<typeof reachAnswer>;

const place = z.base64().transform((text): Buffer => Buffer.from(text, "base64"));

/** `POST /v1/replication/snapshot`: one page of rows, pinned for a bounded time; the answer is a stream of frames. */
export const snapshotRequest = z.strictObject({
  ...segmentOf.shape,
  node: z.string(),
  /** The last place that was copied; null to begin. */
  after: place.nullable(),
  /** Where the copy's first page was pinned: the log is kept from there. Null to begin. */
  first: logPosition.nullable(),
});
export type SnapshotRequest = z.infer<typeof snapshotRequest>;

/** `POST /v1/replication/changes`: the change stream of several segments of one keyspace. */
export const changesRequest = z.strictObject({
  keyspace: z.string(),
  node: z.string(),
  /** Of each key only the last value within so many milliseconds is wanted. Missing: every change. */
  windowMs: z.number().int().min(0).max(60_000).optional(),
  /** The process of the source that `read` is about, as the answer to an earlier request named it. */
  process: z.string().optional(),
  segments: z
    .array(
      z.strictObject({
        lo: uint64,
        hi: uint64,
        from: logPosition,
        /** What is of this segment up to here in the source's log has been applied: it need not be looked for again. */
        read: uint64.optional(),
      }),
    )
    .min(1)
    .max(100_000),
});
export type ChangesRequest = z.infer<typeof changesRequest>;

/** `POST /v1/replication/acknowledge`: what the follower holds durably, so that the source may trim its log and acknowledge writes. */
export const acknowledgement = z.strictObject({
  keyspace: z.string(),
  node: z.string(),
  /** Everything up to this sequence of the source's log. */
  through: uint64,
  /** The change stream that brought it, as the source names it. An older source does not, and takes none. */
  stream: z.string().max(64).optional(),
});
export type Acknowledgement = z.infer<typeof acknowledgement>;

/** `POST /v1/replication/hurry`: what windows hold back of the follower's stream is to be sent at once. */
export const hurryRequest = z.strictObject({ keyspace: z.string(), node: z.string() });
export type HurryRequest = z.infer<typeof hurryRequest>;
/** Everything up to this sequence of the source's log is being sent. */
export const hurryAnswer = z.object({ through: uint64 });

/** `POST /v1/replication/digest`: a read transaction is pinned at `position`; the digest follows. */
export const digestRequest = z.strictObject({
  ...segmentOf.shape,
  after: place.nullable(),
  maxRows: z.number().int().positive().max(1_000_000),
});
export type DigestRequest = z.infer<typeof digestRequest>;

/** The two lines of its NDJSON answer: the first as soon as the read transaction is pinned. */
export const digestPinned = z.object({ position: logPosition, head: uint64 });
export const digestAnswer = z.object({
  rows: z.number(),
  bytes: z.number(),
  digest: z.string(),
  next: place.nullable(),
});
