import { z } from "zod";
import { segmentWire } from "../../keyspace/wire.js";
import { PLAN_VERSION } from "../types.js";
import type { RegionPlan, RegionPlanParts } from "./types.js";
import { userChangeWire } from "../users/wire.js";

const id = z.string().min(1);

/** A region's plan as JSON carries it, with its halves as they are: each is read by itself. */
export const regionPlanWire = z.object({
  v: z.literal(PLAN_VERSION),
  kind: z.literal("region"),
  hash: z.string(),
  createdAt: z.string(),
  topology: z.object({ name: z.string(), hash: z.string() }),
  change: userChangeWire,
  users: z.record(z.string(), z.unknown()).nullable(),
  shards: z.record(z.string(), z.unknown()).nullable(),
  order: z.array(id),
  stays: z.array(
    z.object({
      keyspace: id,
      segments: z.array(segmentWire),
      node: id.nullable(),
      why: z.string(),
    }),
  ),
  usersStay: z.string().nullable(),
}) satisfies z.ZodType<
  Omit<RegionPlanParts, "users" | "shards"> & Pick<RegionPlan, "v" | "kind" | "hash">,
  unknown
>;

/** What follows from the halves is left out. */
export function writtenOf(plan: RegionPlan): object {
  const { v, kind, hash, createdAt, topology, change, users, shards, order, stays, usersStay } =
    plan;
  return { v, kind, hash, createdAt, topology, change, users, shards, order, stays, usersStay };
}
