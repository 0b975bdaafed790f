import { setTimeout as sleep } from "node:timers/promises";
import { TwoAgents } from "./agents.js";
import { percentile, type Benchmark } from "./benchmark.js";
import { Traffic } from "./traffic.js";

const PER_SECOND = 1_000;
const WINDOW_MS = 8_000;
const BYTES_PER_SECOND = 8 * 1024 * 1024;

export const throttledCopy: Benchmark = {
  name: "throttled-copy",
  title: `a client's writes, ${PER_SECOND}/s, while a copy goes on at 8 MiB/s, against none`,
  async run({ rows, say }) {
    const agents = await TwoAgents.start(rows);
    try {
      await agents.load();
      const traffic = new Traffic(agents, PER_SECOND, 1);
      await sleep(2_000);
      const idle = await window(traffic);
      say(`idle: p99 ${idle.toFixed(2)} ms`);
      await agents.link(BYTES_PER_SECOND);
      const during = await window(traffic);
      const link = (await agents.b.node()).entries[0]?.link;
      if (link?.phase !== "copying")
        say(`the copy was over before the window was: ask for more --rows`);
      await traffic.stop();
      return [
        { what: "p99 without a copy", value: idle, unit: "ms", target: null },
        { what: "p99 during the copy", value: during, unit: "ms", target: null },
        { what: "during / without", value: during / idle, unit: "", target: { atMost: 2 } },
      ];
    } finally {
      await agents.stop();
    }
  },
};

async function window(traffic: Traffic): Promise<number> {
  const start = performance.now();
  await sleep(WINDOW_MS);
  return percentile(
    traffic.since(start).map(({ ms }) => ms),
    99,
  );
}
