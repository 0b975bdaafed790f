import { TwoAgents } from "./agents.js";
import type { Benchmark } from "./benchmark.js";

export const batchOps: Benchmark = {
  name: "batch-ops",
  title: "durable puts on one agent through the batch API",
  async run({ rows }) {
    const agents = await TwoAgents.start(rows);
    try {
      const seconds = await agents.load();
      return [
        { what: "durable ops", value: rows / seconds, unit: "/s", target: { atLeast: 30_000 } },
      ];
    } finally {
      await agents.stop();
    }
  },
};
