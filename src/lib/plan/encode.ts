import { z } from "zod";
import { EXIT, OpsError } from "../errors.js";
import { fingerprintOf } from "./fingerprint.js";
import { planHash } from "./hash.js";
import { hasOwnHash, upgraded } from "./version-1.js";
import { regionPlan } from "./region/compose.js";
import type { RegionPlan } from "./region/types.js";
import { regionPlanWire, writtenOf } from "./region/wire.js";
import { PLAN_VERSION, type ShardPlan } from "./types.js";
import type { UserPlan } from "./users/types.js";
import { userPlanWire } from "./users/wire.js";
import { planWire } from "./wire.js";
import type { Plan } from "./any.js";

/** The plan as a file: indented JSON, bigints as decimal strings, a newline at the end. */
export function encodePlan(plan: Plan): string {
  const written = plan.kind === "region" ? writtenOf(plan) : plan;
  return `${JSON.stringify(written, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value), 2)}\n`;
}

/**
 * Reads what `encodePlan` wrote. `where` names the file in messages. Throws OpsError (exit 3): `plan/unreadable` when it is no
 * plan, `plan/version` when another version wrote it, `plan/tampered` when its content does not have its hash.
 */
export function decodePlan(text: string, where: string): ShardPlan {
  return decode(parseJson(text, where), where);
}

/** As `decodePlan`, also of version 1: whoever began a run of such a plan must be able to end it, or to take it back. */
export function decodeStoredPlan(text: string, where: string): Plan {
  const value = parseJson(text, where);
  if (value["kind"] === "users") return decodeUsers(value, where);
  if (value["kind"] === "region") return decodeRegion(value, where);
  if (value["v"] !== 1) return decode(value, where);
  if (!hasOwnHash(value)) throw tampered(where);
  return parse(upgraded(value), where);
}

function decode(value: Record<string, unknown>, where: string): ShardPlan {
  assertNamed(value, where);
  const plan = parse(value, where);
  // The hash covers the holdings by these.
  for (const side of ["before", "after"] as const)
    if (fingerprintOf(plan.keyspaces, side) !== plan.fingerprint[side]) throw tampered(where);
  return plan;
}

function decodeUsers(value: Record<string, unknown>, where: string): UserPlan {
  assertNamed(value, where);
  const plan = userPlanWire.safeParse(value);
  if (!plan.success) throw unreadable(where, z.prettifyError(plan.error));
  return plan.data;
}

/** Its halves have names of their own, which are in its name. */
function decodeRegion(value: Record<string, unknown>, where: string): RegionPlan {
  assertVersion(value, where);
  const written = regionPlanWire.safeParse(value);
  if (!written.success) throw unreadable(where, z.prettifyError(written.error));
  const { hash, users, shards, ...parts } = written.data;
  const halves = {
    users: users === null ? null : decodeUsers(users, where),
    shards: shards === null ? null : decode(shards, where),
  };
  let plan: RegionPlan;
  try {
    plan = regionPlan({ ...parts, ...halves });
  } catch (error) {
    if (error instanceof RangeError) throw unreadable(where, error.message);
    throw error;
  }
  if (plan.hash !== hash) throw tampered(where);
  return plan;
}

/** Throws OpsError `plan/version`, `plan/unreadable`, `plan/tampered`. */
function assertNamed({ hash, ...body }: Record<string, unknown>, where: string): void {
  assertVersion(body, where);
  if (typeof hash !== "string") throw unreadable(where, "it has no hash");
  if (hashIn(body) !== hash) throw tampered(where);
}

function assertVersion({ v: version }: Record<string, unknown>, where: string): void {
  if (version !== PLAN_VERSION && typeof version === "number") {
    throw new OpsError(
      "plan/version",
      EXIT.refused,
      `${where}: this is a plan of version ${version}; known is version ${PLAN_VERSION}`,
      {
        hint: "Make it again with ops shard plan. A run of it that was begun goes on, or back, by its id: ops run list.",
      },
    );
  }
}

function parse(value: unknown, where: string): ShardPlan {
  const plan = planWire.safeParse(value);
  if (!plan.success) throw unreadable(where, z.prettifyError(plan.error));
  return plan.data;
}

/** Null for what has no canonical JSON, such as nesting too deep to walk: no plan ever had that. */
function hashIn(body: Record<string, unknown>): string | null {
  try {
    return planHash(body);
  } catch {
    return null;
  }
}

function tampered(where: string): OpsError {
  return new OpsError(
    "plan/tampered",
    EXIT.refused,
    `${where}: the plan was changed after it was made: its content does not have its hash`,
    {
      hint: "A plan is never edited. Make a new one with ops shard plan.",
    },
  );
}

function parseJson(text: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(where, error instanceof Error ? error.message : String(error));
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw unreadable(where, "it is no JSON object");
  return value as Record<string, unknown>;
}

function unreadable(where: string, why: string): OpsError {
  return new OpsError("plan/unreadable", EXIT.refused, `${where} is not a plan: ${why}`, {
    hint: "Give a file that ops shard plan -o wrote.",
  });
}
