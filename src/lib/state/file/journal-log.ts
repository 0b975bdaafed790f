import { type FileHandle, open } from "node:fs/promises";
import type { JournalLog } from "../contract.js";

/** A journal as a file: one write and one fdatasync a line. */
export class FileJournalLog implements JournalLog {
  readonly #file: FileHandle;
  #broken: unknown = null;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<FileJournalLog> {
    return new FileJournalLog(await open(path, "r+"));
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
    return bytes.subarray(0, filled);
  }

  async append(line: string): Promise<void> {
    // A line behind half a line would make the journal unreadable in its middle.
    if (this.#broken !== null) throw this.#broken;
    try {
      const bytes = Buffer.from(`${line}\n`);
      let at = (await this.#file.stat()).size;
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, at);
        done += bytesWritten;
        at += bytesWritten;
      }
      await this.#file.datasync();
    } catch (error) {
      this.#broken = error;
      throw error;
    }
  }

  async truncate(bytes: number): Promise<void> {
    await this.#file.truncate(bytes);
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
