import { open, stat } from "node:fs/promises";
import { cannotRead, whyUnreadable } from "../errors.js";
import { MAX_BYTES, tooLarge } from "./decode.js";
import { type Checked, checkTopology, invalidTopology, requireFit } from "./parse.js";
import type { Problem } from "./problem.js";
import { UNREADABLE_FILE } from "./rules/file-rules.js";
import { Source } from "./source.js";
import type { Topology } from "./types.js";

export interface Loaded {
  readonly topology: Topology;
  /** The file as text, for editing it; without a byte order mark. */
  readonly text: string;
  /** Warnings, and errors if the topology does not carry what it must. */
  readonly problems: readonly Problem[];
}

/** Reads and checks a file. Whatever is wrong with the file itself is a problem like the others; never throws. */
export async function checkTopologyFile(file: string): Promise<Checked> {
  const read = await readBounded(file);
  if ("bytes" in read) return checkTopology(read.bytes, file);
  return { topology: null, problems: ["why" in read ? unreadable(file, read.why) : read.problem] };
}

/** Throws OpsError `invalid-topology` if what the file says is wrong, `cannot-read` (exit 64) if it cannot be read. */
export async function loadTopology(file: string): Promise<Loaded> {
  const read = await readBounded(file);
  if ("why" in read) throw cannotRead(file, read.why);
  if ("problem" in read) throw invalidTopology(file, [read.problem]);
  const { topology, problems } = checkTopology(read.bytes, file);
  if (!topology) throw invalidTopology(file, problems);
  return { topology, text: new TextDecoder().decode(read.bytes), problems };
}

/** For a topology that something is to become: also throws OpsError `unfit-topology` if it does not carry what it must. */
export async function loadTarget(file: string): Promise<Loaded> {
  const loaded = await loadTopology(file);
  requireFit(file, loaded.problems);
  return loaded;
}

/** The bytes of a file that goes with a topology. Throws OpsError `cannot-read` (exit 64), also if it is too large. */
export async function readInput(file: string): Promise<Uint8Array> {
  const read = await readBounded(file);
  if ("bytes" in read) return read.bytes;
  throw cannotRead(file, "why" in read ? read.why : [read.problem.message, read.problem.hint]);
}

type Read =
  | { readonly bytes: Uint8Array }
  | { readonly problem: Problem }
  | { readonly why: readonly [why: string, hint: string] };

/** The bytes of a regular file of at most `MAX_BYTES`: pipes and devices could block or never end. */
async function readBounded(file: string): Promise<Read> {
  try {
    const found = await stat(file);
    if (found.isDirectory()) return { why: ["is a directory", "name the YAML file in it"] };
    if (!found.isFile()) return { why: ["is no regular file", "copy it to a file first"] };
    if (found.size > MAX_BYTES) return { problem: tooLarge(file, found.size) };
    return await readFirst(file);
  } catch (error) {
    return { why: whyUnreadable(error) };
  }
}

/** One byte more than there should be is asked for: a file that grows meanwhile would be cut off unseen. */
async function readFirst(file: string): Promise<Read> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(size, MAX_BYTES) + 1);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled === buffer.length
      ? { why: ["grew while it was read", "try again when it is written"] }
      : { bytes: buffer.subarray(0, filled) };
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, [why, hint]: readonly [why: string, hint: string]): Problem {
  const place = { start: 0, end: 1 };
  return new Source(file, "").problem(UNREADABLE_FILE, "error", place, `the file ${why}`, hint);
}
