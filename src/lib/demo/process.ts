import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ENDED, startOf } from "../process-start.js";

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessId {
  readonly pid: number;
  /** When the process started, as the system tells it: compared, never read. */
  readonly startTime: string;
}

/** What the system says about a living process, or null. A zombie counts as dead. */
export function startTimeOf(pid: number): string | null {
  const start = startOf(pid);
  if (start === null || start === ENDED) return null;
  return process.platform === "linux" ? `${bootId()}-${start}` : start;
}

/** Linux counts from the system's start, so the start's own id belongs to it. */
function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8);
}

export function isAlive(process: ProcessId): boolean {
  return startTimeOf(process.pid) === process.startTime;
}

/** Sends the signal only if this very process still lives. */
export function signal(target: ProcessId, name: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Whether the process ended within the time. */
export async function ended(target: ProcessId, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (isAlive(target)) {
    if (performance.now() >= until) return false;
    await sleep(10);
  }
  return true;
}

/** SIGTERM, then SIGKILL when it has not ended in time. */
export async function stopProcess(target: ProcessId, graceMs = 10_000): Promise<void> {
  signal(target, "SIGTERM");
  if (await ended(target, graceMs)) return;
  await killProcess(target);
}

/** SIGKILL; returns once the process is gone. */
export async function killProcess(target: ProcessId): Promise<void> {
  signal(target, "SIGKILL");
  await ended(target, 5_000);
}
