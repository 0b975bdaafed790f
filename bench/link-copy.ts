import { setTimeout as sleep } from "node:timers/promises";
import { TwoAgents } from "./agents.js";
import { secondsSince, type Benchmark } from "./benchmark.js";
import { referenceCopy } from "./reference-copy.js";

/** Over how long a source takes the latency of its clients, and a little more. */
const FOREGROUND_WINDOW_MS = 3_500;

export const linkCopy: Benchmark = {
  name: "link-copy",
  title: "a link's copy, against the same rows from LMDB over a bare socket into LMDB with its log",
  async run({ rows, say }) {
    const agents = await TwoAgents.start(rows);
    let link: number;
    try {
      say(`loaded in ${(await agents.load()).toFixed(1)} s`);
      // A copy gives way to clients that wait: the source must have forgotten how long those of the load did.
      await sleep(FOREGROUND_WINDOW_MS);
      const start = performance.now();
      await agents.link(null);
      await agents.sync();
      link = rows / secondsSince(start);
    } finally {
      await agents.stop();
    }
    say(`link: ${Math.round(link)} rows/s`);
    const reference = rows / (await referenceCopy(rows));
    return [
      { what: "link copy", value: link, unit: "rows/s", target: null },
      { what: "reference", value: reference, unit: "rows/s", target: null },
      { what: "link / reference", value: link / reference, unit: "", target: { atLeast: 0.6 } },
    ];
  },
};
