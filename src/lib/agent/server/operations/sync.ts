import { setTimeout as sleep } from "node:timers/promises";
import { readable } from "../../../ownership/copy.js";
import { ORIGIN } from "../../../ownership/position.js";
import { segmentsOf } from "../../protocol/operation.js";
import type { Holding } from "../holdings.js";
import type { Kind } from "./context.js";

const LOOK_EVERY_MS = 50;

/** Waits until the copies are complete and close behind their source. Of an entry that is wider, for all of it. */
export const sync: Kind<"sync"> = async ({ engine, holdings, links }, request, task) => {
  const { keyspace, maxLagMs } = request;
  const segments = segmentsOf(request);
  const began = performance.now();
  for (;;) {
    task.signal.throwIfAborted();
    const parts = segments.flatMap(({ lo, hi }) => holdings.covering(keyspace, lo, hi));
    const behind = parts.find((part) => !isClose(part, maxLagMs));
    const rows = sum(parts, ({ link }) => link.rows);
    const bytes = sum(parts, ({ link }) => link.bytes);
    if (behind === undefined) {
      const lagMs = Math.max(...parts.map(({ link }) => link.lagMs() ?? 0));
      const restarts = sum(parts, ({ link }) => link.restarts);
      return { rows, bytes, seconds: (performance.now() - began) / 1000, lagMs, restarts };
    }
    const { phase, error } = behind.link;
    const rate = sum(parts, ({ link }) => link.bytesPerSecond);
    task.report(error === null ? phase : `${phase}: ${error}`, {
      done: bytes,
      total: null,
      unit: "bytes",
      rate,
    });
    await links.feedOf(behind)?.hurry(task.signal);
    await sleep(LOOK_EVERY_MS, undefined, { signal: task.signal });
  }

  function isClose(part: Holding, most: number): boolean {
    const { link } = part.entry;
    if (link === null) return true;
    const lag = part.link.lagMs();
    const cursor = engine.cursor(keyspace, part.lo) ?? ORIGIN;
    return (
      readable(link.copy, cursor) && part.link.phase === "streaming" && lag !== null && lag <= most
    );
  }
};

function sum(parts: readonly Holding[], of: (part: Holding) => number): number {
  return parts.reduce((total, part) => total + of(part), 0);
}
