import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { EXIT, OpsError } from "../errors.js";

/** Writes a file that a person named: whole or not at all. Throws OpsError `cannot-write` (exit 1). */
export async function writeOutput(file: string, text: string): Promise<void> {
  try {
    await writeFileAtomic(file, text);
  } catch (cause) {
    throw cannotWrite(file, cause);
  }
}

/** Throws as `writeOutput` would, for what takes long to make. Nothing is written. */
export async function assertWritable(file: string): Promise<void> {
  try {
    // It is written beside, and then put in its place.
    await access(dirname(file), constants.W_OK);
    if (!(await stat(dirname(file))).isDirectory()) throw errno("ENOTDIR");
    const there = await stat(file).catch(() => null);
    if (there?.isDirectory()) throw errno("EISDIR");
  } catch (cause) {
    throw cannotWrite(file, cause);
  }
}

function errno(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

function cannotWrite(file: string, cause: unknown): OpsError {
  const { code } = cause as NodeJS.ErrnoException;
  return new OpsError(
    "cannot-write",
    EXIT.failure,
    `${file} cannot be written: ${code ?? String(cause)}`,
    {
      hint: "Check the folder and its permissions. Nothing else was changed.",
      cause,
    },
  );
}
