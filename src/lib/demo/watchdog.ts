import { spawn, type ChildProcess } from "node:child_process";

/**
 * Kills processes when this one ends, however it ends: a shell that reads the list from a pipe, and at the pipe's end
 * kills the last list it read.
 */
export class Watchdog {
  readonly #shell: ChildProcess;

  constructor() {
    const script = 'while read -r line; do pids=$line; done; [ -z "$pids" ] || kill -9 $pids';
    // Its own process group: Ctrl-C on the terminal must not end it before its work is done.
    this.#shell = spawn("/bin/sh", ["-c", script], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    this.#shell.stdin!.on("error", () => undefined);
    this.#shell.unref();
    (this.#shell.stdin as unknown as { unref?: () => void }).unref?.();
  }

  /** The processes to kill from now on, instead of those told before. */
  watch(pids: readonly number[]): void {
    this.#shell.stdin!.write(`${pids.join(" ")}\n`);
  }

  /** Nothing is killed any more. */
  close(): void {
    this.#shell.stdin!.end("\n");
  }
}
