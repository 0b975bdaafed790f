import { EXIT, OpsError } from "../../errors.js";
import type { JournalLog, StateStore } from "../../state/contract.js";
import { decodeJournal, encodeRecord } from "./codec.js";
import { advance, nextStatus, replay } from "./next-status.js";
import type { JournalRecord, RecordBody } from "./records.js";
import { IllegalRecord, type RunStatus } from "./status.js";

interface Waiting {
  readonly body: RecordBody;
  readonly resolve: (record: JournalRecord) => void;
  readonly reject: (error: unknown) => void;
}

interface Appended extends Waiting {
  readonly record: JournalRecord;
}

/** The journal of one run, open for appending. Only the holder of the run's locks may have one. */
export class Journal {
  readonly #log: JournalLog;
  readonly #now: () => number;
  /** What is durable. */
  #status: RunStatus | null;
  /** The same with the records that are on their way to the disk: what the next one must fit to. */
  #ahead: RunStatus | null;
  #hash: string;
  readonly #waiting: Waiting[] = [];
  #isFlushing = false;
  #flushed: Promise<void> = Promise.resolve();
  #broken: { readonly error: unknown } | null = null;

  private constructor(
    log: JournalLog,
    now: () => number,
    [status, ahead]: readonly [RunStatus | null, RunStatus | null],
    hash: string,
  ) {
    this.#log = log;
    this.#now = now;
    this.#status = status;
    this.#ahead = ahead;
    this.#hash = hash;
  }

  /** Reads and replays the journal and cuts off a torn last line. `now`: milliseconds since 1970. */
  static async open(store: StateStore, run: string, now: () => number): Promise<Journal> {
    const log = await store.openJournal(run);
    try {
      const { records, hash, bytes, torn } = decodeJournal(await log.read(), `journal of ${run}`);
      if (torn) await log.truncate(bytes);
      return new Journal(log, now, [replayed(run, records), replayed(run, records)], hash);
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** As of the last durable record; the same object all along. Null before `run.start`. */
  get status(): RunStatus | null {
    return this.#status;
  }

  /**
   * Adds a record; it is durable, and in the status, when this returns. In the order of the calls; those that come while others
   * are on their way to the disk go there together. Throws `IllegalRecord` for one that may not follow.
   */
  append(body: RecordBody): Promise<JournalRecord> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ body, resolve, reject });
      if (!this.#isFlushing) this.#flushed = this.#flush();
    });
  }

  async close(): Promise<void> {
    await this.#flushed;
    await this.#log.close();
  }

  async #flush(): Promise<void> {
    this.#isFlushing = true;
    while (this.#waiting.length > 0) {
      const lines: string[] = [];
      const appended: Appended[] = [];
      for (const waiting of this.#waiting.splice(0)) {
        try {
          if (this.#broken !== null) throw this.#broken.error;
          const { record, line } = this.#encode(waiting.body);
          lines.push(line);
          appended.push({ ...waiting, record });
        } catch (error) {
          waiting.reject(error);
        }
      }
      if (appended.length === 0) continue;
      try {
        await this.#log.append(lines);
      } catch (error) {
        this.#broken = { error };
        for (const { reject } of appended) reject(error);
        continue;
      }
      for (const { record, resolve } of appended) {
        this.#status = following(this.#status, record);
        resolve(record);
      }
    }
    this.#isFlushing = false;
  }

  #encode(body: RecordBody): { record: JournalRecord; line: string } {
    const seq = (this.#ahead?.seq ?? 0) + 1;
    const time = new Date(this.#now()).toISOString();
    const { record, line, hash } = encodeRecord(body, seq, time, this.#hash);
    this.#ahead = following(this.#ahead, record);
    this.#hash = hash;
    return { record, line };
  }
}

/** In place, but for the first record. */
function following(status: RunStatus | null, record: JournalRecord): RunStatus {
  if (status === null) return nextStatus(null, record);
  advance(status, record);
  return status;
}

export interface RunHistory {
  readonly records: readonly JournalRecord[];
  readonly status: RunStatus | null;
}

/** What the journal of a run says, for reading; a torn last line is left out and left alone. */
export async function readHistory(store: StateStore, run: string): Promise<RunHistory> {
  const { records } = decodeJournal(await store.readJournal(run), `journal of ${run}`);
  return { records, status: replayed(run, records) };
}

function replayed(run: string, records: readonly JournalRecord[]): RunStatus | null {
  try {
    return replay(records);
  } catch (error) {
    if (!(error instanceof IllegalRecord)) throw error;
    throw new OpsError(
      "bad-journal",
      EXIT.failure,
      `journal of ${run}, line ${error.seq}: ${error.message}`,
      {
        hint: "the journal was written by something else, or by a newer ops",
        details: { line: error.seq },
        cause: error,
      },
    );
  }
}
