import { DEFAULT_SETTINGS } from "../routing/settings.js";
import { hashOf } from "./hash.js";
import { PLAN_VERSION } from "./types.js";

type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a plan of version 1 has its hash: that of all its canonical JSON, where there is nothing to do also without the time. */
export function hasOwnHash({ hash, ...body }: JsonObject): boolean {
  const { createdAt: _, ...timeless } = body;
  try {
    return hash === hashOf(body) || hash === hashOf(timeless);
  } catch {
    return false;
  }
}

/** The same plan as the present version has it. It keeps its name, which the journal of its run has; its fingerprints say nothing. */
export function upgraded(plan: JsonObject): JsonObject {
  const settings = { before: DEFAULT_SETTINGS, after: DEFAULT_SETTINGS };
  return {
    ...plan,
    v: PLAN_VERSION,
    keyspaces: each(plan["keyspaces"], (keyspace) => ({ settings, ...keyspace })),
    stages: each(plan["stages"], (stage) => ({ ...stage, estimate: estimated(stage["estimate"]) })),
    estimate: estimated(plan["estimate"]),
  };
}

function estimated(estimate: unknown): unknown {
  if (!isObject(estimate)) return estimate;
  return { mostSeconds: estimate["seconds"], ...estimate };
}

/** What is no list of objects stays as it is: the shape is checked afterwards. */
function each(list: unknown, change: (one: JsonObject) => JsonObject): unknown {
  if (!Array.isArray(list)) return list;
  return list.map((one: unknown) => (isObject(one) ? change(one) : one));
}

function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === "object";
}
