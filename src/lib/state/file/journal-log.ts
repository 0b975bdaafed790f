import { type FileHandle, open } from "node:fs/promises";
import { EXIT, OpsError } from "../../errors.js";
import type { JournalLog } from "../contract.js";

/** A journal as a file: one write and one fdatasync for the lines of one call. */
export class FileJournalLog implements JournalLog {
  readonly #file: FileHandle;
  readonly #path: string;
  /** What this process left there; null before it has looked. */
  #size: number | null = null;
  #broken: Error | null = null;

  private constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
  }

  static async open(path: string): Promise<FileJournalLog> {
    return new FileJournalLog(await open(path, "r+"), path);
  }

  async read(): Promise<Uint8Array> {
    const { size } = await this.#file.stat();
    const bytes = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await this.#file.read(bytes, filled, size - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    this.#size = filled;
    return bytes.subarray(0, filled);
  }

  async append(lines: readonly string[]): Promise<void> {
    // A line behind half a line would make the journal unreadable in its middle.
    if (this.#broken !== null) throw this.#broken;
    try {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      let at = (await this.#file.stat()).size;
      if (this.#size !== null && at !== this.#size) throw taken(this.#path);
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, at);
        done += bytesWritten;
        at += bytesWritten;
      }
      await this.#file.datasync();
      this.#size = at;
    } catch (error) {
      this.#broken = error as Error;
      throw error;
    }
  }

  async truncate(bytes: number): Promise<void> {
    await this.#file.truncate(bytes);
    await this.#file.datasync();
    this.#size = bytes;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The lock was taken from this process, and the new holder has gone on: a record in between would make the journal unreadable. */
function taken(path: string): OpsError {
  return new OpsError(
    "lock-lost",
    EXIT.locked,
    `another ops took over this run: ${path} has records that this process did not write`,
    { hint: "this process changes nothing any more; ops run list shows how the run stands" },
  );
}
