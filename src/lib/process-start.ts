import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Instead of a start: the process runs no more, but its parent has not taken note of that. */
export const ENDED = "ended";

/**
 * When a process started, which together with its pid tells it from all others since the system did: to be compared, never read.
 * `ENDED` for a zombie. Null where the system says nothing of such a process: mostly because there is none.
 */
export function startOf(pid: number): string | null {
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

function fromProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command, in parentheses, may hold anything: fields are counted after the last one. Field 3 is the state, 22 the start.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? ENDED : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function fromPs(pid: number): string | null {
  try {
    const columns = ["-o", "stat=,lstart=", "-p", String(pid)];
    const line = execFileSync("ps", columns, { encoding: "utf8" }).trim();
    if (line.startsWith("Z")) return ENDED;
    return line === "" ? null : line.replace(/^\S+\s+/, "");
  } catch {
    return null;
  }
}
