import { readFile } from "node:fs/promises";
import { EXIT, OpsError } from "../errors.js";
import { assertSound } from "../plan/check/index.js";
import { decodePlan } from "../plan/encode.js";
import type { Plan } from "../plan/types.js";

/** Reads a plan that is to be applied, and checks it against every rule for plans. Throws OpsError (exit 3). */
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
  const plan = decodePlan(text, file);
  assertSound(plan);
  return plan;
}
