import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Benchmark, Measure } from "./benchmark.js";
import type { CaseResult } from "./planner-case.js";

const CASE = fileURLToPath(new URL("planner-case.js", import.meta.url));

export const planner: Benchmark = {
  name: "planner",
  title: "plans for 3,000 nodes and 100,000 segments",
  run({ say }) {
    const measures = (["range", "ring"] as const).flatMap((kind): Measure[] => {
      const { ms, checkedMs, writtenMs, cpuMs, segments, steps, ...bytes } = run(kind);
      const cpu = Object.entries(cpuMs).map(([what, used]) => `${what} ${used.toFixed(0)} ms`);
      say(`${kind}: ${segments} segments, ${steps} steps in ${ms.toFixed(0)} ms`);
      say(`${kind}: of CPU ${cpu.join(", ")}`);
      return [
        { what: `${kind}: planned`, value: ms, unit: "ms", target: { atMost: 1_000 } },
        {
          what: `${kind}: peak memory of the process`,
          value: bytes.peakBytes / 1e6,
          unit: "MB",
          target: { atMost: 400 },
        },
        {
          what: `${kind}: of it before planning`,
          value: bytes.inputBytes / 1e6,
          unit: "MB",
          target: null,
        },
        { what: `${kind}: checked`, value: checkedMs, unit: "ms", target: null },
        { what: `${kind}: written`, value: writtenMs, unit: "ms", target: null },
        {
          what: `${kind}: peak memory, checked and written`,
          value: bytes.endBytes / 1e6,
          unit: "MB",
          target: null,
        },
      ];
    });
    return Promise.resolve([...measures, ...blastRadius(say)]);
  },
};

/** The same 1,002 copies with and without a blast radius. */
function blastRadius(say: (text: string) => void): Measure[] {
  const [free, apart] = [run("copies"), run("blast-radius")];
  for (const { steps, copying } of [free, apart])
    say(`${steps} steps, copies bound by ${copying!.because}`);
  const ratio = (of: (result: CaseResult) => number) => of(apart) / of(free);
  return [
    { what: "blast radius: planned", value: apart.ms, unit: "ms", target: null },
    {
      what: "blast radius: planned, against the same without",
      value: ratio(({ ms }) => ms),
      unit: "",
      target: null,
    },
    {
      what: "blast radius: copies take, against the same without",
      value: ratio(({ copying }) => copying!.seconds),
      unit: "",
      target: null,
    },
    ...[["blast radius", apart] as const, ["the same without", free] as const].map(
      ([name, { copying }]): Measure => ({
        what: `${name}: copies take, against their bound`,
        value: copying!.seconds / copying!.boundSeconds,
        unit: "",
        target: null,
      }),
    ),
  ];
}

/** In a process of its own each time, so that its memory can be told; the median of five. */
function run(kind: string): CaseResult {
  const results = Array.from({ length: 5 }, (): CaseResult => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [CASE, kind], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`planner-case ${kind} failed: ${stderr}`);
    return JSON.parse(stdout) as CaseResult;
  });
  return results.toSorted((a, b) => a.ms - b.ms)[2]!;
}
