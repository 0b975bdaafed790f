import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CaseResult } from "./assign-case.js";
import type { Benchmark, Measure } from "./benchmark.js";

const CASE = fileURLToPath(new URL("assign-case.js", import.meta.url));

const SIZES = [
  { classes: 100, sites: 6, atMost: 200 },
  { classes: 2_000, sites: 50, atMost: 5_000 },
];

export const assignment: Benchmark = {
  name: "assign",
  title: "users over sites, with lines of carriers, layers, headroom and login rates",
  run({ say }) {
    const measures = SIZES.flatMap(({ classes, sites, atMost }) =>
      (["lost", "balance"] as const).flatMap((kind): Measure[] => {
        const { ms, cpuMs, peakBytes, levels } = run(kind, classes, sites);
        const what = `${classes} x ${sites}, ${kind === "lost" ? "a region lost" : "balance"}`;
        say(`${what}: ${ms.toFixed(0)} ms, of CPU ${cpuMs.toFixed(0)} ms`);
        for (const { name, value, bound, ratio } of levels) {
          say(`${what}: ${name} ${value.toFixed(3)}, bound ${bound.toFixed(3)}, ratio ${ratio}`);
        }
        const above = levels.filter(({ name }) => name === "cost" || name === "moved");
        return [
          { what: `${what}: assigned`, value: ms, unit: "ms", target: { atMost } },
          { what: `${what}: of CPU`, value: cpuMs, unit: "ms", target: null },
          { what: `${what}: peak memory`, value: peakBytes / 1e6, unit: "MB", target: null },
          ...above.map(({ name, ratio }) => ({
            what: `${what}: ${name === "cost" ? "quality" : "movement"} above its bound`,
            value: 1e6 * (ratio - 1),
            unit: "ppm",
            target: { atMost: 1_000 },
          })),
        ];
      }),
    );
    return Promise.resolve(measures);
  },
};

/** In a process of its own each time: the solver is loaded within the time. The median of five. */
function run(kind: string, classes: number, sites: number): CaseResult {
  const results = Array.from({ length: 5 }, (): CaseResult => {
    const args = [CASE, kind, String(classes), String(sites)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`assign-case ${args.slice(1).join(" ")} failed: ${stderr}`);
    return JSON.parse(stdout) as CaseResult;
  });
  return results.toSorted((a, b) => a.ms - b.ms)[2]!;
}
