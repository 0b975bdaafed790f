import type { KeyspaceSettings } from "../src/lib/routing/settings.js";
import { KEYSPACE, TwoAgents, valueOf } from "./agents.js";
import { median, type Benchmark, percentile, secondsSince } from "./benchmark.js";

const ROUNDS = 5;
const SECONDS = 1.5;
/** Keys of 100 bytes that are written again and again. */
const KEYS = 10_000;
const BATCH = 500;

interface Load {
  readonly name: string;
  readonly writers: number;
  /** Of one request; 1: a put by itself. */
  readonly ops: number;
}
const LOADS: readonly Load[] = [
  { name: "1 writer", writers: 1, ops: 1 },
  { name: "32 writers", writers: 32, ops: 1 },
  { name: `4 writers of batches of ${BATCH}`, writers: 4, ops: BATCH },
];

/** Of requests, ms, and writes a second. */
interface Figures {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

export const ack: Benchmark = {
  name: "ack",
  title:
    "writes that a follower in another set has flushed too, against those that only their node has",
  async run({ say }) {
    const agents = await TwoAgents.start(KEYS);
    try {
      await agents.load();
      await agents.link(null);
      await agents.sync();
      const measures = [];
      for (const load of LOADS) {
        say(load.name);
        // In turns, so that what else the machine does is in both.
        const rounds: Record<KeyspaceSettings["ack"], Figures[]> = { local: [], follower: [] };
        for (let round = 0; round < ROUNDS; round += 1) {
          for (const kind of ["local", "follower"] as const) {
            await agents.publish("a", 1n, kind);
            rounds[kind].push(await measure(agents, load));
          }
        }
        for (const [of, figure, unit] of [
          ["p50", "p50", "ms"],
          ["p99", "p99", "ms"],
          ["perSecond", "writes", "/s"],
        ] as const) {
          const [local, follower] = (["local", "follower"] as const).map((kind) =>
            median(rounds[kind].map((figures) => figures[of])),
          );
          const what = `${load.name}, ${figure}`;
          measures.push(
            { what: `${what}, local`, value: local!, unit, target: null },
            { what: `${what}, follower`, value: follower!, unit, target: null },
            { what: `${what}, ratio`, value: follower! / local!, unit: "", target: null },
          );
        }
      }
      return measures;
    } finally {
      await agents.stop();
    }
  },
};

async function measure({ client }: TwoAgents, { writers, ops }: Load): Promise<Figures> {
  const took: number[] = [];
  const start = performance.now();
  let next = 0;
  const writer = async (): Promise<void> => {
    while (secondsSince(start) < SECONDS) {
      const keys = Array.from({ length: ops }, () => (next = (next + 1) % KEYS));
      const puts = keys.map(
        (key) => ({ op: "put", key: String(key), value: valueOf(key) }) as const,
      );
      const began = performance.now();
      if (ops === 1) await client.put(KEYSPACE, puts[0]!.key, puts[0]!.value);
      else
        for (const result of await client.batch(KEYSPACE, puts))
          if (result.status === "failed") throw result.error;
      took.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return {
    p50: percentile(took, 50),
    p99: percentile(took, 99),
    perSecond: (took.length * ops) / secondsSince(start),
  };
}
