import { spawnSync } from "node:child_process";
import { secondsSince, type Benchmark } from "./benchmark.js";
import type { Simulation } from "../src/lib/schedule/simulate/simulate.js";

const FOLDER = "fixtures/topologies/evacuation";

/** The command as a person starts it: 300M users, 93 kinds of carrier and province, 75M of whom leave a region. */
export const simulation: Benchmark = {
  name: "simulate",
  title: "75M of 300M users leave a region in virtual time",
  run({ say }) {
    const measures = (["weak", "strong"] as const).flatMap((mode) => {
      const started = performance.now();
      const result = run(mode);
      const seconds = secondsSince(started);
      const { seconds: virtual, boundSeconds, mostOfLimit, ended } = result;
      say(`${mode}: ${ended.how} after ${virtual} s of virtual time, in ${seconds.toFixed(1)} s`);
      return [
        { what: `${mode}: real time`, value: seconds, unit: "s", target: { atMost: 5 } },
        { what: `${mode}: virtual time`, value: virtual, unit: "s", target: null },
        {
          what: `${mode}: virtual time over the bound`,
          value: virtual / boundSeconds!,
          unit: "x",
          target: { atMost: 1.1 },
        },
        {
          what: `${mode}: peak logins over the limit`,
          value: mostOfLimit,
          unit: "x",
          target: { atMost: 1 },
        },
      ];
    });
    return Promise.resolve(measures);
  },
};

function run(mode: string): Simulation {
  const command = `schedule disable tianjin --mode ${mode} --ttl 4h --reason benchmark`;
  const files = `-t ${FOLDER}/topology.yaml --quality ${FOLDER}/quality.yaml`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    `bin/run.js ${command} ${files} --simulate --json`.split(" "),
    { encoding: "utf8", maxBuffer: 2 ** 26 },
  );
  if (status !== 0) throw new Error(`schedule disable --simulate failed: ${stderr}`);
  return (JSON.parse(stdout) as { simulation: Simulation }).simulation;
}
