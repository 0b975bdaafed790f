import { EXIT, OpsError } from "../../errors.js";
import type { JournalLog, StateStore } from "../../state/contract.js";
import { decodeJournal, encodeRecord } from "./codec.js";
import { nextStatus, replay } from "./next-status.js";
import type { JournalRecord, RecordBody } from "./records.js";
import { IllegalRecord, type RunStatus } from "./status.js";

/** The journal of one run, open for appending. Only the holder of the run's locks may have one. */
export class Journal {
  readonly #log: JournalLog;
  readonly #now: () => number;
  #status: RunStatus | null;
  #hash: string;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(log: JournalLog, now: () => number, status: RunStatus | null, hash: string) {
    this.#log = log;
    this.#now = now;
    this.#status = status;
    this.#hash = hash;
  }

  /** Reads and replays the journal and cuts off a torn last line. `now`: milliseconds since 1970. */
  static async open(store: StateStore, run: string, now: () => number): Promise<Journal> {
    const log = await store.openJournal(run);
    try {
      const { records, hash, bytes, torn } = decodeJournal(await log.read(), `journal of ${run}`);
      if (torn) await log.truncate(bytes);
      return new Journal(log, now, replayed(run, records), hash);
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** Null before `run.start`. */
  get status(): RunStatus | null {
    return this.#status;
  }

  /** Adds a record; durable, and the status is the next one, when this returns. One at a time, in the order of the calls. */
  append(body: RecordBody): Promise<JournalRecord> {
    const result = this.#last.then(async () => {
      const seq = (this.#status?.seq ?? 0) + 1;
      const { record, line, hash } = encodeRecord(
        body,
        seq,
        new Date(this.#now()).toISOString(),
        this.#hash,
      );
      const status = nextStatus(this.#status, record);
      await this.#log.append(line);
      this.#status = status;
      this.#hash = hash;
      return record;
    });
    this.#last = result.catch(() => {});
    return result;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#log.close();
  }
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
