import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isCode, makeDirectory, syncDirectory, writeNewFile } from "./durable.js";

export const PLAN = "plan.json";
export const JOURNAL = "journal.ndjson";

/** A draft lives for moments: an older one was left by a process that died. Milliseconds. */
const DRAFT_LIVES_MS = 3_600_000;

/** Makes the directory of a run with its plan and an empty journal: durably, and whole or not at all. Throws when it is there. */
export async function makeRunDirectory(runs: string, run: string, plan: string): Promise<void> {
  await makeDirectory(runs);
  await removeOldDrafts(runs);
  const draft = join(runs, `.${run}.${randomBytes(8).toString("hex")}`);
  try {
    await mkdir(draft);
    await writeNewFile(join(draft, PLAN), plan);
    await writeNewFile(join(draft, JOURNAL), "");
    await syncDirectory(draft);
    await rename(draft, join(runs, run));
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  await syncDirectory(runs);
}

async function removeOldDrafts(runs: string): Promise<void> {
  for (const name of await readdir(runs)) {
    if (!name.startsWith(".")) continue;
    const path = join(runs, name);
    const since = await changedAt(path);
    if (since !== null && Date.now() - since > DRAFT_LIVES_MS)
      await rm(path, { recursive: true, force: true });
  }
}

/** Milliseconds since 1970; null for a draft that is a run by now. */
async function changedAt(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (isCode(error, "ENOENT")) return null;
    throw error;
  }
}
