import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { startOf } from "../../process-start.js";

/** Tells one process from all others, also after pids were used again, after a reboot, and across containers. */
export interface ProcessIdentity {
  readonly host: string;
  /** Random name of the machine, and of this boot of it; null where the system has none. */
  readonly machine: string | null;
  readonly boot: string | null;
  /** The pid namespace: a pid says nothing in another one. */
  readonly pidSpace: string | null;
  readonly pid: number;
  /** See `startOf`. */
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
