import type { JsonObject } from "./journal/records.js";

/** Of each segment that an operation took over: where it is, its planned and its actual write pause. */
export function pausesOf(result: JsonObject | null): readonly JsonObject[] {
  return (result?.["pauses"] ?? []) as readonly JsonObject[];
}
