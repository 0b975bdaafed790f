import { setImmediate } from "node:timers/promises";
import { EXIT, OpsError } from "../errors.js";
import type { Segment } from "../keyspace/segment.js";
import type { Histogram, Place, View } from "./contract.js";
import { positionOf } from "./place.js";

/** Rows between two turns of the event loop: about 2 ms. */
const PAGE = { rows: 2_000, bytes: 1 << 20 };
const MAX_BUCKETS = 65_536;

export async function histogramOf(
  view: Pick<View, "scan">,
  keyspace: string,
  segment: Segment,
  count: number,
): Promise<Histogram> {
  if (!Number.isInteger(count) || count < 1 || count > MAX_BUCKETS) {
    throw new OpsError(
      "histogram-buckets",
      EXIT.usage,
      `a histogram has 1 to ${MAX_BUCKETS} buckets, not ${count}`,
    );
  }
  const { lo, hi } = segment;
  const width = hi - lo;
  const buckets = boundsOf(segment, count).map((bounds) => ({ ...bounds, rows: 0, bytes: 0 }));
  const total = { rows: 0, bytes: 0 };
  let bucket = 0;
  let last: Place | null = null;
  for (;;) {
    const page = view.scan(keyspace, segment, last, PAGE);
    for (const { place, value } of page.rows) {
      const position = positionOf(place);
      while (position >= (buckets[bucket]?.hi ?? hi) && bucket < buckets.length - 1) bucket += 1;
      const size = place.length - 8 + value.length;
      const into = buckets[bucket];
      if (into !== undefined) {
        into.rows += 1;
        into.bytes += size;
      }
      total.rows += 1;
      total.bytes += size;
      last = place;
    }
    if (page.done) return { lo, hi, ...total, buckets };
    await setImmediate();
  }

  /** Equal widths, but for rounding; never more buckets than positions. */
  function boundsOf(of: Segment, wanted: number): Segment[] {
    const n = width < BigInt(wanted) ? width : BigInt(wanted);
    return Array.from({ length: Number(n) }, (_, i) => ({
      lo: of.lo + (width * BigInt(i)) / n,
      hi: of.lo + (width * BigInt(i + 1)) / n,
    }));
  }
}
