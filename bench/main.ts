import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { ack } from "./ack.js";
import { assignment } from "./assign.js";
import { batchOps } from "./batch-ops.js";
import { meets, type Benchmark, type Measure } from "./benchmark.js";
import { dispatch } from "./dispatch.js";
import { expand } from "./expand.js";
import { gateway } from "./gateway.js";
import { linkCopy } from "./link-copy.js";
import { mask } from "./mask.js";
import { planner } from "./planner.js";
import { simulation } from "./simulate.js";
import { startUp } from "./start-up.js";
import { throttledCopy } from "./throttled-copy.js";
import { verify } from "./verify.js";
import { writePause } from "./write-pause.js";
import { groupedText } from "../src/lib/figures.js";
import { columns } from "../src/lib/report/columns.js";

const ALL: readonly Benchmark[] = [
  linkCopy,
  verify,
  writePause,
  throttledCopy,
  batchOps,
  ack,
  startUp,
  expand,
  planner,
  assignment,
  dispatch,
  gateway,
  mask,
  simulation,
];
const USAGE = `usage: npm run bench -- [--only NAME] [--rows N] [--json]
names: ${ALL.map(({ name }) => name).join(", ")}`;

interface Result {
  readonly benchmark: string;
  readonly measures: readonly (Measure & { readonly met: boolean | null })[];
}

const options = {
  only: { type: "string", multiple: true },
  rows: { type: "string", default: "1000000" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

async function main(): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    return usage((error as Error).message);
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const rows = Number(values.rows);
  if (!Number.isSafeInteger(rows) || rows < 1_000)
    return usage("--rows takes a number from 1000 up");
  const unknown = values.only?.find((name) => ALL.every((benchmark) => benchmark.name !== name));
  if (unknown !== undefined) return usage(`no benchmark ${unknown}`);

  const results: Result[] = [];
  for (const benchmark of ALL) {
    if (values.only && !values.only.includes(benchmark.name)) continue;
    const say = (line: string): void => console.error(`${benchmark.name}: ${line}`);
    say(benchmark.title);
    const measures = await benchmark.run({ rows, say });
    results.push({
      benchmark: benchmark.name,
      measures: measures.map((one) => ({ ...one, met: meets(one) })),
    });
  }
  if (values.json) {
    console.log(
      JSON.stringify({ v: 1, node: process.version, cpus: availableParallelism(), rows, results }),
    );
  } else {
    console.log(table(results));
  }
  return 0;
}

function table(results: readonly Result[]): string {
  const lines = results.flatMap(({ benchmark, measures }) =>
    measures.map(({ what, value, unit, target, met }) => [
      benchmark,
      what,
      `${figure(value)} ${unit}`,
      target === null
        ? ""
        : "atLeast" in target
          ? `>= ${figure(target.atLeast)}`
          : `<= ${figure(target.atMost)}`,
      met === null ? "" : met ? "met" : "NOT MET",
    ]),
  );
  return columns([["benchmark", "figure", "measured", "target", ""], ...lines], 80);
}

function figure(value: number): string {
  if (Math.abs(value) >= 1_000) return groupedText(Math.round(value));
  return String(Math.round(value * 100) / 100);
}

function usage(problem: string): number {
  console.error(`${problem}\n${USAGE}`);
  return 64;
}

process.exitCode = await main();
