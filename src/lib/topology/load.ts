import { open, stat } from "node:fs/promises";
import { MAX_BYTES, tooLarge } from "./decode.js";
import { type Checked, checkTopology, invalidTopology, requireFit } from "./parse.js";
import type { Problem } from "./problem.js";
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
  return "problem" in read
    ? { topology: null, problems: [read.problem] }
    : checkTopology(read.bytes, file);
}

/** Throws OpsError `invalid-topology` if what the file says is wrong, also where it cannot be read. */
export async function loadTopology(file: string): Promise<Loaded> {
  const read = await readBounded(file);
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

type Read = { readonly bytes: Uint8Array } | { readonly problem: Problem };

/** The bytes of a regular file of at most `MAX_BYTES`: pipes and devices could block or never end. */
async function readBounded(file: string): Promise<Read> {
  try {
    const found = await stat(file);
    if (found.isDirectory()) return unreadable(file, "is a directory", "name the YAML file in it");
    if (!found.isFile()) return unreadable(file, "is no regular file", "copy it to a file first");
    if (found.size > MAX_BYTES) return { problem: tooLarge(file, found.size) };
    return await readFirst(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return unreadable(file, "does not exist", "check the path");
    if (code === "EACCES") return unreadable(file, "may not be read", "check its permissions");
    return unreadable(file, `cannot be read (${code ?? String(error)})`, "check the path");
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
      ? unreadable(file, "grew while it was read", "try again when it is written")
      : { bytes: buffer.subarray(0, filled) };
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, why: string, hint: string): Read {
  const problem = new Source(file, "").problem(
    "unreadable-file",
    "error",
    { start: 0, end: 1 },
    `the file ${why}`,
    hint,
  );
  return { problem };
}
