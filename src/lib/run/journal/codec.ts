import { EXIT, OpsError } from "../../errors.js";
import { sha256 } from "../../plan/hash.js";
import type { JournalRecord, RecordBody } from "./records.js";

export const FIRST_PREV = "0".repeat(64);

export interface EncodedRecord {
  readonly record: JournalRecord;
  /** One line of NDJSON without its newline. */
  readonly line: string;
  readonly hash: string;
}

/** A record as a line; its last field is the SHA-256 of the line's text before it. */
export function encodeRecord(
  body: RecordBody,
  seq: number,
  time: string,
  prev: string,
): EncodedRecord {
  const record = { seq, time, ...body, prev } as JournalRecord;
  const text = JSON.stringify(record).slice(0, -1);
  const hash = sha256(text);
  return { record, line: `${text},"hash":"${hash}"}`, hash };
}

export interface DecodedJournal {
  readonly records: readonly JournalRecord[];
  /** Hash of the last record. */
  readonly hash: string;
  /** Length in bytes of the whole records; what is behind it is a torn last line. */
  readonly bytes: number;
  readonly torn: boolean;
}

/**
 * Reads a journal. A last line that is cut or whose checksum is wrong was being written when the process died: it never
 * counted, and is left out. Any other bad line throws `OpsError` `bad-journal`, which names it.
 */
export function decodeJournal(bytes: Uint8Array, where: string): DecodedJournal {
  const records: JournalRecord[] = [];
  let hash = FIRST_PREV;
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(NEWLINE, at);
    const line = decodeLine(bytes.subarray(at, end === -1 ? bytes.length : end));
    if (end === -1 || line === null) {
      if (end === -1 || end === bytes.length - 1) return { records, hash, bytes: at, torn: true };
      throw badLine(where, records.length + 1, "its checksum does not match its text");
    }
    const { record } = line;
    if (record.seq !== records.length + 1)
      throw badLine(where, records.length + 1, `it is record ${record.seq}`);
    if (record.prev !== hash)
      throw badLine(where, records.length + 1, "it does not follow the line before it");
    records.push(record);
    hash = line.hash;
    at = end + 1;
  }
  return { records, hash, bytes: at, torn: false };
}

const NEWLINE = 10;
const SUFFIX = /,"hash":"([0-9a-f]{64})"\}$/;

function decodeLine(bytes: Uint8Array): { record: JournalRecord; hash: string } | null {
  const line = Buffer.from(bytes).toString("utf8");
  const match = SUFFIX.exec(line);
  if (match === null) return null;
  const text = line.slice(0, match.index);
  if (sha256(text) !== match[1]) return null;
  return { record: JSON.parse(`${text}}`) as JournalRecord, hash: match[1] };
}

function badLine(where: string, line: number, why: string): OpsError {
  return new OpsError("bad-journal", EXIT.failure, `${where}, line ${line}: ${why}`, {
    hint: "the journal was changed by something else than ops: restore it from a copy; ops agent status shows what the agents hold",
    details: { line },
  });
}
