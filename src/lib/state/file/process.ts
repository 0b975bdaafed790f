import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Tells one process from all others, also after pids were used again, after a reboot, and across containers. */
export interface ProcessIdentity {
  readonly host: string;
  /** Random name of the machine, and of this boot of it; null where the system has none. */
  readonly machine: string | null;
  readonly boot: string | null;
  /** The pid namespace: a pid says nothing in another one. */
  readonly pidSpace: string | null;
  readonly pid: number;
  /** Clock ticks from boot to the start of the process. */
  readonly started: string | null;
}

export function thisProcess(): ProcessIdentity {
  return {
    host: hostname(),
    machine: readOr("/etc/machine-id"),
    boot: readOr("/proc/sys/kernel/random/boot_id"),
    pidSpace: pidSpace(),
    pid: process.pid,
    started: startOf(process.pid),
  };
}

/** Whether that process still runs; `unknown` when it ran where this process cannot look. */
export function isAlive(other: ProcessIdentity, self: ProcessIdentity): "yes" | "no" | "unknown" {
  if (other.host !== self.host || other.machine !== self.machine) return "unknown";
  if (other.boot !== self.boot) {
    return other.machine !== null && other.boot !== null && self.boot !== null ? "no" : "unknown";
  }
  if (other.pidSpace !== self.pidSpace) return "unknown";
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    // EPERM: it runs, as somebody else.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return "no";
  }
  const started = startOf(other.pid);
  return started !== null && other.started !== null && started !== other.started ? "no" : "yes";
}

function readOr(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim() || null;
  } catch {
    return null;
  }
}

function pidSpace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}

function startOf(pid: number): string | null {
  const stat = readOr(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name, in brackets, may hold anything; the start time is the 20th field after it. A zombie no longer runs.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "ended" : (fields[19] ?? null);
}
