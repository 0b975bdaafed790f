import { TwoAgents } from "./agents.js";
import { secondsSince, type Benchmark } from "./benchmark.js";

export const verify: Benchmark = {
  name: "verify",
  title: "digests of both sides, chunk by chunk",
  async run({ rows, say }) {
    const agents = await TwoAgents.start(rows);
    try {
      await agents.load();
      await agents.link(null);
      await agents.sync();
      say("copied; comparing");
      const start = performance.now();
      const { result } = await agents.operate(agents.b, { kind: "verify", ...agents.range });
      const seconds = secondsSince(start);
      if (Number(result?.["rows"]) !== rows)
        throw new Error(`verified ${String(result?.["rows"])} of ${rows} rows`);
      return [
        {
          what: "rows of each side",
          value: rows / seconds,
          unit: "rows/s",
          target: { atLeast: 1_000_000 },
        },
      ];
    } finally {
      await agents.stop();
    }
  },
};
