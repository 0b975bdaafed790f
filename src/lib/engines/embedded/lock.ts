import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, OpsError } from "../../errors.js";
import { startOf } from "../../process-start.js";

/** Instead of a start that the system does not tell. */
const UNKNOWN = "-";

/**
 * Lets one process at a time open the store: two would give out the same sequences. The lock names a process by its
 * id and start time, so that one left behind by kill -9 is not mistaken for a living process with the same id.
 * Returns how to give it back. Throws `engine-busy`.
 */
export function lockDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "owner");
  const mine = `${process.pid} ${startOf(process.pid) ?? UNKNOWN}\n`;
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, mine);
  try {
    // A second try, for the lock of a dead process; a third one would mean that somebody else just took it.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      try {
        linkSync(draft, path);
        return () => rmSync(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const found = textOf(path);
      const [pid, start] = found.trim().split(" ");
      if (isAlive(Number(pid), start ?? "")) throw busy(directory, Number(pid));
      removeStale(path, draft, found);
    }
    throw busy(directory, null);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Moved aside first: what was moved may be the new lock of somebody who was quicker, and goes back. */
function removeStale(path: string, draft: string, stale: string): void {
  const aside = `${draft}.stale`;
  try {
    renameSync(path, aside);
    if (textOf(aside) !== stale) linkSync(aside, path);
  } catch (error) {
    if (!["ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Empty when there is no such file. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function isAlive(pid: number, start: string): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return start === (startOf(pid) ?? UNKNOWN);
}

function busy(directory: string, pid: number | null): OpsError {
  return new OpsError(
    "engine-busy",
    EXIT.locked,
    `${directory} is in use by ${pid === null ? "another process" : `process ${pid}`}`,
    { hint: "stop the agent that has it open, or give this one a directory of its own" },
  );
}
