import { spawnSync } from "node:child_process";
import { OPS } from "../src/lib/demo/agent-process.js";
import { median, type Benchmark } from "./benchmark.js";

const TIMES = 15;

export const startUp: Benchmark = {
  name: "start-up",
  title: "`ops --version` against `node -e 0`",
  async run() {
    const ops: number[] = [];
    const node: number[] = [];
    // Once without counting: the caches are warm for both then.
    for (let i = 0; i <= TIMES; i += 1) {
      const pair = [took([OPS, "--version"]), took(["-e", "0"])] as const;
      if (i === 0) continue;
      ops.push(pair[0]);
      node.push(pair[1]);
    }
    return [
      { what: "ops --version", value: median(ops), unit: "ms", target: null },
      { what: "node -e 0", value: median(node), unit: "ms", target: null },
      { what: "ops / node", value: median(ops) / median(node), unit: "", target: { atMost: 3 } },
    ];
  },
};

function took(args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`node ${args.join(" ")} failed: ${stderr}`);
  return performance.now() - start;
}
