import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentClient } from "../src/lib/agent/client/client.js";
import { Cluster } from "../src/lib/demo/cluster.js";
import { cut } from "../src/lib/policy/cut.js";
import type { PolicyDocument } from "../src/lib/policy/document.js";
import { Router, type User } from "../src/lib/policy/router.js";
import { median, secondsSince, type Benchmark } from "./benchmark.js";

const CARRIERS = ["telecom", "unicom", "mobile"];
const PROVINCES = Array.from({ length: 31 }, (_, i) => `province-${i}`);
const SITES = ["sh-1", "sh-2", "sz-1", "sz-2", "tj-1", "tj-2"];
const ROUNDS = 5;
const ANSWERS = 40_000;
const CONNECTIONS = 64;

export const dispatch: Benchmark = {
  name: "dispatch",
  title: "answers to logins: 93 classes, 6 sites, one of them masked",
  async run() {
    const router = new Router(policy());
    const levels = [1];
    const inProcess = Array.from({ length: ROUNDS }, (_, round) => {
      const start = performance.now();
      for (let i = 0; i < ANSWERS; i += 1) router.answer(userOf(round * ANSWERS + i), levels);
      return ANSWERS / secondsSince(start);
    });

    const dir = await mkdtemp(join(tmpdir(), "ops-bench-"));
    const cluster = new Cluster({ dir, dieWithParent: true });
    await cluster.up({ d: { role: "dispatch" } });
    const url = cluster.urlOf("d");
    const agent = new AgentClient(url);
    try {
      await agent.putPolicy(policy(), { scope: "schedule", epoch: 1n, lineage: "benchmark" });
      const overLoopback: number[] = [];
      const { pid } = cluster.agents[0]!;
      let cpu = 0;
      // Once without counting: the agent's code is compiled then.
      for (let round = 0; round <= ROUNDS; round += 1) {
        const rate = await askedOver(Number(new URL(url).port), round * ANSWERS);
        if (round > 0) overLoopback.push(rate);
        else cpu = cpuSeconds(pid);
      }
      const perCpuSecond = (ROUNDS * ANSWERS) / (cpuSeconds(pid) - cpu);
      return [
        {
          what: `answers of one agent, ${CONNECTIONS} connections`,
          value: median(overLoopback),
          unit: "/s",
          target: { atLeast: 20_000 },
        },
        { what: "per second of the agent's CPU", value: perCpuSecond, unit: "", target: null },
        { what: "the same without HTTP", value: median(inProcess), unit: "/s", target: null },
      ];
    } finally {
      await agent.close();
      await cluster.stop(5_000);
      await rm(dir, { recursive: true, force: true });
    }
  },
};

/** Answers a second over connections that stay, each with one question at a time. Bare sockets: the agent is what is measured. */
async function askedOver(port: number, first: number): Promise<number> {
  let next = first;
  const start = performance.now();
  const lane = async (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      let got = "";
      const ask = (): void => {
        if (next >= first + ANSWERS) {
          socket.end();
          resolve();
          return;
        }
        const { uid, carrier, province } = userOf(next);
        next += 1;
        const query = `uid=${uid}&carrier=${carrier}&province=${province}`;
        socket.write(`GET /v1/dispatch?${query} HTTP/1.1\r\nhost: agent\r\n\r\n`);
      };
      socket.setEncoding("latin1");
      socket.once("connect", ask);
      socket.once("error", reject);
      socket.on("data", (text: string) => {
        got += text;
        const body = got.indexOf("\r\n\r\n") + 4;
        const length = /\r\ncontent-length: (\d+)/.exec(got);
        if (body < 4 || length === null || got.length < body + Number(length[1])) return;
        if (!got.startsWith("HTTP/1.1 200")) reject(new Error(got));
        got = "";
        ask();
      });
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  return ANSWERS / secondsSince(start);
}

/** User and system time of a process, all threads; in hundredths. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function userOf(i: number): User {
  return {
    uid: BigInt(10_000 + i),
    carrier: CARRIERS[i % CARRIERS.length]!,
    province: PROVINCES[i % PROVINCES.length]!,
    port: null,
  };
}

function policy(): PolicyDocument {
  const address = (port: number) => ({ url: `ws://10.1.0.1:${port}`, port });
  const site = { region: "here", carriers: CARRIERS, addresses: [address(80), address(443)] };
  const even = (sites: readonly string[]) =>
    cut([], new Map(sites.map((id) => [id, 1 / sites.length])));
  const classes = CARRIERS.flatMap((carrier) =>
    PROVINCES.map((province) => ({ carrier, province })),
  );
  const now = Date.now();
  return {
    v: 1,
    version: 1,
    sites: Object.fromEntries(SITES.map((id) => [id, site])),
    classes: classes.map((one) => ({ ...one, base: even(SITES) })),
    entries: [
      {
        id: "m1",
        site: SITES[0]!,
        carrier: null,
        province: null,
        port: null,
        mode: "mask",
        reason: "benchmark",
        actor: "benchmark",
        epoch: 1n,
        since: now,
        expires: now + 3_600_000,
        ramp: { step: 0.1, everyMs: 60_000 },
        redirects: classes.map((one) => ({ ...one, map: even(SITES.slice(1)) })),
      },
    ],
  };
}
