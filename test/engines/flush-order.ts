/**
 * Reads the system calls of a process that wrote through LMDB, one work (of two records) after the other, and said on stdout `open`,
 * `ack` for each work, and `seen SEQUENCE` when a reader saw the records (`strace -f -y`). Both are sound when before them, for each work:
 * pages were written; all of them were flushed (fdatasync); then the page that makes the commit valid was written, itself durable
 * (through a descriptor opened with O_DSYNC).
 */
export function flushFaults(trace: readonly string[]): { acks: number; faults: string[] } {
  const faults: string[] = [];
  /** Descriptors whose writes are durable when they return. */
  const durable = new Set<string>();
  /** By thread: what an unfinished call will have done when it is resumed. */
  const unfinished = new Map<string, string>();
  let acks = 0;
  let dirty = 0;
  let coveredByFlush = 0;
  let commits = 0;

  for (const line of trace) {
    const [thread = ""] = line.split(" ", 1);
    const resumed = line.includes(" resumed>");
    const started = !resumed;
    const finished = !line.includes("<unfinished ...>");
    const call = resumed ? (unfinished.get(thread) ?? "") : line;
    if (!finished) unfinished.set(thread, line);

    const open = /openat\(.*data\.mdb.*O_DSYNC/.test(call) && /= (\d+)/.exec(line);
    if (open) durable.add(open[1] ?? "");

    const [, name, fd = ""] =
      /(pwrite64|pwritev|writev|write|fdatasync|fsync)\((\d+)<[^>]*data\.mdb>/.exec(call) ?? [];
    if (name === "fdatasync" || name === "fsync") {
      if (started) coveredByFlush = dirty;
      if (finished && line.endsWith(" = 0")) dirty -= coveredByFlush;
    } else if (name !== undefined && finished) {
      if (!durable.has(fd)) dirty += 1;
      else if (dirty === 0) commits += 1;
      else faults.push(`a commit became valid before its pages were flushed: ${line}`);
    }

    const [, word, n = ""] =
      (started && /write\(1<[^>]*>, "(open|ack|seen) ?(\d*)/.exec(line)) || [];
    if (word === "open") commits = 0;
    if (word === "ack") acks += 1;
    if (word === "ack" && commits < acks)
      faults.push(`work ${n} was acknowledged before its commit`);
    if (word === "seen" && commits < Number(n) / 2)
      faults.push(`record ${n} was seen before its commit`);
  }
  return { acks, faults };
}
