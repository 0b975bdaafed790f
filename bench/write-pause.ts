import { setTimeout as sleep } from "node:timers/promises";
import { TwoAgents } from "./agents.js";
import { median, percentile, secondsSince, type Benchmark } from "./benchmark.js";
import { Traffic } from "./traffic.js";

const TAKEOVERS = 100;
const PER_SECOND = 5_000;
/** In one request, as a logic server sends what it has at that moment. */
const WRITES_EACH = 10;
const BETWEEN_MS = 100;
/** Rows do not matter here, writes do. */
const ROWS_MAX = 100_000;

export const writePause: Benchmark = {
  name: "write-pause",
  title: `${TAKEOVERS} takeovers under ${PER_SECOND} writes/s`,
  async run({ rows, say }) {
    const agents = await TwoAgents.start(Math.min(rows, ROWS_MAX));
    try {
      await agents.load();
      await agents.link(null);
      await agents.sync();
      await agents.operate(agents.b, { kind: "verify", ...agents.range });
      const traffic = new Traffic(agents, PER_SECOND, WRITES_EACH);
      await sleep(1_000);
      const calm = performance.now();
      await sleep(3_000);
      const usual = longestGap(traffic.since(calm).map(({ at }) => at));
      const start = performance.now();
      const actual: number[] = [];
      const seen: number[] = [];
      for (let generation = 2n; generation < 2n + BigInt(TAKEOVERS); generation += 1n) {
        const writer = generation % 2n === 0n ? "b" : "a";
        const from = performance.now();
        const { result } = await agents.operate(agents[writer], {
          kind: "takeover",
          ...agents.range,
          generation,
          budgetMs: 500,
        });
        await agents.publish(writer, generation);
        await sleep(BETWEEN_MS);
        actual.push(Number(result?.["actualMs"]));
        seen.push(longestGap(traffic.since(from).map(({ at }) => at)));
        await agents.operate(agents[writer === "a" ? "b" : "a"], {
          kind: "sync",
          ...agents.range,
          maxLagMs: 100,
        });
      }
      const answered = traffic.since(start);
      const perSecond = answered.reduce((sum, { writes }) => sum + writes, 0) / secondsSince(start);
      await traffic.stop();
      say(`${Math.round(perSecond)} writes/s were acknowledged`);
      const latencies = answered.map(({ ms }) => ms);
      return [
        {
          what: "pause at the agent, median",
          value: median(actual),
          unit: "ms",
          target: { atMost: 15 },
        },
        {
          what: "pause at the agent, longest",
          value: Math.max(...actual),
          unit: "ms",
          target: { atMost: 50 },
        },
        {
          what: "no write acknowledged, median",
          value: median(seen),
          unit: "ms",
          target: { atMost: 15 },
        },
        {
          what: "no write acknowledged, longest",
          value: Math.max(...seen),
          unit: "ms",
          target: { atMost: 50 },
        },
        { what: "the same in 3 s without a takeover", value: usual, unit: "ms", target: null },
        {
          what: "a client's write, p99",
          value: percentile(latencies, 99),
          unit: "ms",
          target: null,
        },
        { what: "writes acknowledged", value: perSecond, unit: "/s", target: null },
      ];
    } finally {
      await agents.stop();
    }
  },
};

/** The longest time between two acknowledgements, of all clients together. */
function longestGap(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted.reduce((longest, at, i) => Math.max(longest, i === 0 ? 0 : at - sorted[i - 1]!), 0);
}
