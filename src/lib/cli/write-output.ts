import writeFileAtomic from "write-file-atomic";
import { EXIT, OpsError } from "../errors.js";

/** Writes a file that a person named: whole or not at all. Throws OpsError `cannot-write` (exit 1). */
export async function writeOutput(file: string, text: string): Promise<void> {
  try {
    await writeFileAtomic(file, text);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new OpsError(
      "cannot-write",
      EXIT.failure,
      `${file} cannot be written: ${code ?? String(cause)}`,
      {
        hint: "Check the folder and its permissions. Nothing else was changed.",
        cause,
      },
    );
  }
}
