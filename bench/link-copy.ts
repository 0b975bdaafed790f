import { TwoAgents } from "./agents.js";
import { secondsSince, type Benchmark } from "./benchmark.js";
import { referenceCopy } from "./reference-copy.js";

export const linkCopy: Benchmark = {
  name: "link-copy",
  title: "a link's copy, against the same rows from LMDB over a bare socket into LMDB with its log",
  async run({ rows, say }) {
    const agents = await TwoAgents.start(rows);
    let link: number;
    try {
      say(`loaded in ${(await agents.load()).toFixed(1)} s`);
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
