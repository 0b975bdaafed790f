import { readFile } from "node:fs/promises";
import { EXIT, OpsError } from "../errors.js";
import { assertSound } from "../plan/check/index.js";
import { decodePlan } from "../plan/encode.js";
import type { Plan } from "../plan/types.js";

/** Reads a plan as it was written. Throws OpsError (exit 3) where it cannot be read or was changed since. */
export async function readPlan(file: string): Promise<Plan> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    throw new OpsError(
      "plan/unreadable",
      EXIT.refused,
      `${file} cannot be read: ${code ?? String(cause)}`,
      {
        hint: "give a file that ops shard plan -o wrote",
        cause,
      },
    );
  });
  return decodePlan(text, file);
}

/** Reads a plan that is to be applied: checks it against every rule for plans too. Throws OpsError (exit 3). */
export async function readSoundPlan(file: string): Promise<Plan> {
  const plan = await readPlan(file);
  assertSound(plan);
  return plan;
}
