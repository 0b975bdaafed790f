import { z } from "zod";
import { EXIT, OpsError } from "../errors.js";
import { fingerprintOf } from "./fingerprint.js";
import { planHash } from "./hash.js";
import { PLAN_VERSION, type Plan } from "./types.js";
import { planWire } from "./wire.js";

/** The plan as a file: indented JSON, bigints as decimal strings, a newline at the end. */
export function encodePlan(plan: Plan): string {
  return `${JSON.stringify(plan, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value), 2)}\n`;
}

/**
 * Reads what `encodePlan` wrote. `where` names the file in messages. Throws OpsError (exit 3): `plan/unreadable` when it is no
 * plan, `plan/version` when another version wrote it, `plan/tampered` when its content does not have its hash.
 */
export function decodePlan(text: string, where: string): Plan {
  const value = parseJson(text, where);
  const { hash, ...body } = value;
  if (value["v"] !== PLAN_VERSION && typeof value["v"] === "number") {
    throw new OpsError(
      "plan/version",
      EXIT.refused,
      `${where}: this is a plan of version ${value["v"]}; known is version ${PLAN_VERSION}`,
      {
        hint: "Make it again with ops shard plan. A run of it goes on or back with the version of ops that began it.",
      },
    );
  }
  if (typeof hash !== "string") throw unreadable(where, "it has no hash");
  if (hashIn(body) !== hash) throw tampered(where);
  const plan = planWire.safeParse(value);
  if (!plan.success) throw unreadable(where, z.prettifyError(plan.error));
  // The hash covers the holdings by these.
  const { keyspaces, fingerprint } = plan.data;
  for (const side of ["before", "after"] as const)
    if (fingerprintOf(keyspaces, side) !== fingerprint[side]) throw tampered(where);
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
