import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AccessMap } from "../src/lib/agent/server/access-map.js";
import type { Benchmark, Measure } from "./benchmark.js";
import type { CaseResult } from "./expand-case.js";

const CASE = fileURLToPath(new URL("expand-case.js", import.meta.url));
const ACCESSES = 2_000_000;

export const expand: Benchmark = {
  name: "expand",
  title: "3,000 shards of 1,024 buckets, 100 new ones",
  run({ say }) {
    const measures = (["bytes", "accesses"] as const).flatMap((kind): Measure[] => {
      const { ms, peakBytes, load, bytes, segments, moves } = run(kind);
      say(`full of ${kind}: ${moves} moves in ${ms.toFixed(0)} ms`);
      const ratio = (what: string, value: number, target: Measure["target"]): Measure => ({
        what: `full of ${kind}: ${what} / bound`,
        value,
        unit: "",
        target,
      });
      return [
        { what: `full of ${kind}`, value: ms, unit: "ms", target: { atMost: 1_000 } },
        {
          what: `full of ${kind}: peak memory of the process`,
          value: peakBytes / 1e6,
          unit: "MB",
          target: { atMost: 400 },
        },
        ratio("maximum load", load, { atMost: 1.0101 }),
        ratio("bytes", bytes, { atMost: kind === "bytes" ? 1.0001 : 1.1001 }),
        ratio("segments", segments, null),
      ];
    });
    return Promise.resolve([...measures, counting()]);
  },
};

function run(kind: string): CaseResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CASE, kind], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`expand-case ${kind} failed: ${stderr}`);
  return JSON.parse(stdout) as CaseResult;
}

/** What an agent pays for each access that it serves. */
function counting(): Measure {
  const map = new AccessMap(0);
  let uid = 1;
  const record = (count: number): void => {
    for (let i = 0; i < count; i += 1) {
      uid = (uid * 48_271) % 2_147_483_647;
      map.record("profile", BigInt(uid), 100, i / 1_000);
    }
  };
  record(ACCESSES / 10);
  const start = performance.now();
  record(ACCESSES);
  const ns = ((performance.now() - start) * 1e6) / ACCESSES;
  return { what: "an agent counts one access", value: ns, unit: "ns", target: null };
}
