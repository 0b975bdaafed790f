import { readdir, readFile } from "node:fs/promises";
import { EXIT, OpsError } from "../../errors.js";
import { isCode } from "./durable.js";

/** What a file holds; null where there is none. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return null;
    throw explained(error, path);
  }
}

/** The names in a directory; none where there is none. */
export async function list(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isCode(error, "ENOENT")) return [];
    throw explained(error, path);
  }
}

function explained(error: unknown, path: string): unknown {
  if (!isCode(error, "ENOTDIR")) return error;
  return new OpsError("bad-state", EXIT.usage, `${path} cannot be: a part of it is a file`, {
    hint: "name the directory of the state: --state DIR, or OPS_STATE",
  });
}
