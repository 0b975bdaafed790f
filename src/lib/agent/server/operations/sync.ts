import { setTimeout as sleep } from "node:timers/promises";
import { readable } from "../../../ownership/copy.js";
import { ORIGIN } from "../../../ownership/position.js";
import { segmentsOf } from "../../protocol/operation.js";
import type { Holding } from "../holdings.js";
import type { Kind } from "./context.js";

const LOOK_EVERY_MS = 50;
const TELL_EVERY_MS = 1_000;

/** Waits until the copies are complete and close behind their source. Of an entry that is wider, for all of it. */
export const sync: Kind<"sync"> = async ({ engine, holdings, links }, request, task) => {
  const { keyspace, maxLagMs } = request;
  const segments = segmentsOf(request);
  const began = performance.now();
  let toldAt = Number.NEGATIVE_INFINITY;
  /** The segment that was behind at the last look: the others are looked at only once it is not. */
  let looked = 0;
  for (;;) {
    task.signal.throwIfAborted();
    const behind = someBehind();
    if (behind === null) break;
    if (performance.now() - toldAt >= TELL_EVERY_MS) {
      toldAt = performance.now();
      const parts = allParts();
      const { phase, error } = behind.link;
      task.report(error === null ? phase : `${phase}: ${error}`, {
        done: sum(parts, ({ link }) => link.bytes),
        total: null,
        unit: "bytes",
        rate: sum(parts, ({ link }) => link.bytesPerSecond),
      });
    }
    await links.feedOf(behind)?.hurry(task.signal);
    await sleep(LOOK_EVERY_MS, undefined, { signal: task.signal });
  }
  const parts = allParts();
  return {
    rows: sum(parts, ({ link }) => link.rows),
    bytes: sum(parts, ({ link }) => link.bytes),
    seconds: (performance.now() - began) / 1000,
    lagMs: Math.max(...parts.map(({ link }) => link.lagMs() ?? 0)),
    restarts: sum(parts, ({ link }) => link.restarts),
  };

  function allParts(): Holding[] {
    return segments.flatMap(({ lo, hi }) => holdings.covering(keyspace, lo, hi));
  }

  function someBehind(): Holding | null {
    for (let left = segments.length; left > 0; left -= 1) {
      const { lo, hi } = segments[looked]!;
      const part = holdings.covering(keyspace, lo, hi).find((one) => !isClose(one, maxLagMs));
      if (part !== undefined) return part;
      looked = (looked + 1) % segments.length;
    }
    return null;
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
