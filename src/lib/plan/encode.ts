import { z } from "zod";
import { EXIT, OpsError } from "../errors.js";
import { hashOf, planHash } from "./hash.js";
import type { AnyPlan } from "./any.js";
import { userPlanWire } from "./wire-users.js";
import { planWire } from "./wire.js";

/** The plan as a file: indented JSON, bigints as decimal strings, a newline at the end. */
export function encodePlan(plan: AnyPlan): string {
  return `${JSON.stringify(plan, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value), 2)}\n`;
}

/**
 * Reads what `encodePlan` wrote. `where` names the file in messages. Throws OpsError (exit 3): `plan/unreadable` when it is no
 * plan, `plan/version` when a newer version wrote it, `plan/tampered` when its content does not have its hash.
 */
export function decodePlan(text: string, where: string): AnyPlan {
  const value = parseJson(text, where);
  const { hash, ...body } = value;
  if (value["v"] !== 1 && typeof value["v"] === "number") {
    throw new OpsError(
      "plan/version",
      EXIT.refused,
      `${where}: this is a plan of version ${value["v"]}; known is version 1`,
      {
        hint: "Read it with the version of ops that wrote it.",
      },
    );
  }
  if (typeof hash !== "string") throw unreadable(where, "it has no hash");
  if (!hashesOf(body).includes(hash)) {
    throw new OpsError(
      "plan/tampered",
      EXIT.refused,
      `${where}: the plan was changed after it was made: its content does not have its hash`,
      {
        hint: "A plan is never edited. Make a new one with ops shard plan.",
      },
    );
  }
  const plan = (value["kind"] === "users" ? userPlanWire : planWire).safeParse(value);
  if (!plan.success) throw unreadable(where, z.prettifyError(plan.error));
  return plan.data;
}

/**
 * The hashes that the content may have: of plans of earlier versions the time is always a part. None for what has no canonical
 * JSON, such as nesting too deep to walk: no plan ever had that.
 */
function hashesOf(body: Record<string, unknown>): string[] {
  try {
    return [planHash(body), hashOf(body)];
  } catch {
    return [];
  }
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
