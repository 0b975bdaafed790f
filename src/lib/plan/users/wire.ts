import { z } from "zod";
import { routeNodeWire } from "../../routing/wire.js";
import { entryWire, policyClassWire, policySiteWire } from "../../policy/wire.js";
import { PLAN_VERSION } from "../types.js";
import { USER_STAGE_KINDS, type UserPlan, type UserStep } from "./types.js";
import { estimateWire } from "../estimate-wire.js";

const id = z.string().min(1);
const positive = z.number().positive();
const share = z.number().min(0).max(1);

const part = z.object({
  entries: z.array(entryWire.omit({ epoch: true })),
  classes: z.array(policyClassWire).nullable(),
  sites: z.record(id, policySiteWire).nullable(),
});
const departing = {
  id,
  node: id,
  site: id,
  entry: id,
  filter: z.object({
    carrier: id.nullable(),
    province: id.nullable(),
    port: z.int().positive().nullable(),
  }),
};

// Plans of an earlier version have none.
const home = id.nullable().default(null);

const step = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("reach"), id, node: id }),
  z.object({ kind: z.literal("policy"), id, before: part, after: part }),
  z.object({
    kind: z.literal("relogin"),
    ...departing,
    home,
    sessions: z.int().positive().nullable(),
    perSecond: positive.nullable(),
    withinMs: positive,
  }),
  z.object({
    kind: z.literal("recall"),
    ...departing,
    home,
    perSecond: positive,
    withinMs: positive,
  }),
  z.object({ kind: z.literal("disconnect"), ...departing, perSecond: positive.nullable() }),
  z.object({
    kind: z.literal("empty"),
    ...departing,
    perSecond: positive.nullable(),
    withinMs: positive,
  }),
  z.object({
    kind: z.literal("receivers"),
    id,
    receivers: z.array(z.object({ site: id, nodes: z.array(id), onlineUsers: positive })),
    gates: z.object({
      windowSeconds: z.number().min(0),
      minSamples: z.number().min(0),
      maxRefused: share,
      maxOnline: positive.nullable(),
      maxLate: z.object({ ms: positive, ratio: positive }).nullable().default(null),
      // Plans of an earlier version have none.
      checkUrl: z.string().nullable().default(null),
    }),
  }),
  z.object({
    kind: z.literal("ramp"),
    id,
    entries: z.array(id),
    site: id,
    seconds: z.number().min(0),
  }),
]) satisfies z.ZodType<UserStep, unknown>;

/** What is done, to what, why and by whom. */
export const userChangeWire = z.object({
  what: z.string(),
  sites: z.array(id),
  reason: z.string(),
  actor: z.string(),
  overridden: z.array(z.object({ rule: id, message: z.string() })),
}) satisfies z.ZodType<UserPlan["change"], unknown>;

/** A plan that moves users as JSON carries it. */
export const userPlanWire = z.object({
  v: z.literal(PLAN_VERSION),
  kind: z.literal("users"),
  hash: z.string(),
  createdAt: z.string(),
  topology: z.object({ name: z.string(), hash: z.string() }),
  fingerprint: z.object({ before: z.string(), after: z.string() }),
  scopes: z.array(id),
  nodes: z.record(id, routeNodeWire),
  silent: z.array(z.object({ node: id, why: z.string() })),
  // Plans of an earlier build, and those without any, have neither.
  dropped: z
    .array(
      z.object({
        node: id.nullable(),
        site: id,
        url: id,
        why: z.string(),
        isRestored: z.boolean(),
      }),
    )
    .optional(),
  unlisted: z.array(z.object({ node: id, site: id })).optional(),
  change: userChangeWire,
  // Plans of an earlier build name no provinces, and no sites that nobody counts.
  moves: z.array(
    z.object({
      from: id,
      to: id,
      carrier: id,
      province: id.nullable().default(null),
      users: z.number(),
    }),
  ),
  uncounted: z.array(id).default([]),
  receivers: z.array(
    z.object({
      site: id,
      capacity: z.number(),
      before: z.number(),
      after: z.number(),
      limit: z.object({
        what: z.string(),
        users: z.number(),
        before: z.number(),
        after: z.number(),
      }),
      logins: z.object({
        now: z.number(),
        planned: z.number().nullable(),
        limit: z.number(),
      }),
    }),
  ),
  pace: z.object({
    perSecond: z.number().nullable(),
    seconds: z.number(),
    boundSeconds: z.number().nullable(),
  }),
  stages: z.array(
    z.object({
      id,
      kind: z.enum(USER_STAGE_KINDS),
      title: z.string(),
      waves: z.array(z.array(step)),
      undo: z.object({ how: z.string(), lossless: z.boolean(), lossBound: z.string() }),
      estimate: estimateWire,
    }),
  ),
  estimate: estimateWire,
}) satisfies z.ZodType<UserPlan, unknown>;
