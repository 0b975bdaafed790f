import { EXIT, OpsError } from "../../errors.js";
import type { StoredDocument } from "../contract.js";
import { readText } from "./present.js";

/** Null where nothing has been published. Throws `bad-routes` or `bad-policy` (exit 1) for a file that something else wrote. */
export async function readDocument(
  path: string,
  code: "routes" | "policy",
  what: string,
): Promise<StoredDocument | null> {
  const text = await readText(path);
  if (text === null) return null;
  try {
    const stored = JSON.parse(text) as StoredDocument;
    if (Number.isSafeInteger(stored.version) && typeof stored.text === "string") return stored;
  } catch {
    // Falls through to the one error below.
  }
  throw new OpsError(`bad-${code}`, EXIT.failure, `${path} is not ${what}`, {
    hint: "restore the state directory from a copy",
  });
}

/** Throws `stale-routes` or `stale-policy` (exit 4) for an older version, and for another text of the same one. */
export function assertNewer(
  now: StoredDocument | null,
  { version, text }: StoredDocument,
  code: "routes" | "policy",
  what: string,
): void {
  if (now === null || now.version < version) return;
  if (now.version === version && now.text === text) return;
  const message = `version ${version} of ${what} is not newer than the stored version ${now.version}`;
  throw new OpsError(`stale-${code}`, EXIT.stale, message);
}

export function documentText({ version, text }: StoredDocument): string {
  return `${JSON.stringify({ version, text })}\n`;
}
