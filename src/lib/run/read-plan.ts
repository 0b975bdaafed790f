import { readFile } from "node:fs/promises";
import { cannotRead, whyUnreadable } from "../errors.js";
import { assertSound } from "../plan/check/index.js";
import { decodePlan } from "../plan/encode.js";
import type { ShardPlan } from "../plan/types.js";

/** Reads a plan as it was written. Throws OpsError: exit 64 where it cannot be read, 3 where it is no plan or was changed since. */
export async function readPlan(file: string): Promise<ShardPlan> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw cannotRead(file, whyUnreadable(error));
  });
  return decodePlan(text, file);
}

/** Reads a plan that is to be applied: checks it against every rule for plans too. Throws OpsError as `readPlan` does. */
export async function readSoundPlan(file: string): Promise<ShardPlan> {
  const plan = await readPlan(file);
  assertSound(plan);
  return plan;
}
