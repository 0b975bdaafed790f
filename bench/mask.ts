import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { OPS } from "../src/lib/demo/agent-process.js";
import { bringUp } from "../src/lib/demo/bring-up.js";
import { DispatchClient } from "../src/lib/demo/sessions/dispatch-client.js";
import { type Benchmark, median } from "./benchmark.js";

const TOPOLOGY = "fixtures/topologies/demo-users/topology.yaml";
const SITE = "sh-1-a";
const DISPATCHERS = ["sh-dispatch", "sz-dispatch", "tj-dispatch"];
const TIMES = 10;
const LOOK_MS = 5;

/** A user of the site, and where to ask for it. */
interface Asked {
  readonly dispatcher: DispatchClient;
  readonly uid: bigint;
}

export const mask: Benchmark = {
  name: "mask",
  title: "from the start of `ops schedule mask` until no dispatcher sends a login there",
  async run({ say }) {
    const dir = await mkdtemp(join(tmpdir(), "ops-bench-"));
    const topologyText = await readFile(resolve(TOPOLOGY), "utf8");
    const up = await bringUp({ topologyText, topologyPath: TOPOLOGY, dir, dieWithParent: true });
    const common = ["-t", up.topologyFile, "--state", join(dir, "state"), "--yes"];
    const change = [...common, "--reason", "bench"];
    const dispatchers = DISPATCHERS.map(
      (node) => new DispatchClient([up.cluster.urlOf(node)], Math.random),
    );
    try {
      await ops("schedule", "balance", ...change);
      const asked = await Promise.all(
        dispatchers.map(async (dispatcher) => ({ dispatcher, uid: await userOf(dispatcher) })),
      );
      const seconds: number[] = [];
      for (let i = 0; i < TIMES; i += 1) {
        const start = performance.now();
        const command = ops(
          "schedule",
          "mask",
          SITE,
          "--ttl",
          "10m",
          "--ramp",
          "1ms",
          ...change,
          "--override",
          "anti-flap",
        );
        await Promise.all(asked.map((one) => until(one, false)));
        seconds.push((performance.now() - start) / 1_000);
        await command;
        await ops("schedule", "restore", SITE, ...change);
        await Promise.all(asked.map((one) => until(one, true)));
      }
      say(`${TIMES} masks, at ${DISPATCHERS.length} dispatchers each`);
      const target = { atMost: 1 };
      return [
        { what: "median", value: median(seconds), unit: "s", target },
        { what: "the longest", value: Math.max(...seconds), unit: "s", target },
      ];
    } finally {
      for (const dispatcher of dispatchers) dispatcher.close();
      await up.cluster.stop(2_000);
      await rm(dir, { recursive: true, force: true });
    }
  },
};

async function ops(...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [OPS, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  const [stderr] = await Promise.all([text(child.stderr), once(child, "close")]);
  if (child.exitCode !== 0) throw new Error(`ops ${args.join(" ")} failed: ${stderr}`);
}

const person = (uid: bigint) => ({ uid, carrier: "telecom", province: "hebei" });

async function isSentThere({ dispatcher, uid }: Asked): Promise<boolean> {
  const offer = await dispatcher.offer(person(uid));
  if (offer === null) throw new Error("a dispatcher does not answer");
  return offer.addresses.some(({ site }) => site === SITE);
}

async function userOf(dispatcher: DispatchClient): Promise<bigint> {
  for (let uid = 0n; ; uid += 1n) {
    const [first] = (await dispatcher.offer(person(uid)))?.addresses ?? [];
    if (first?.site === SITE) return uid;
  }
}

async function until(asked: Asked, isWanted: boolean): Promise<void> {
  while ((await isSentThere(asked)) !== isWanted) await sleep(LOOK_MS);
}
