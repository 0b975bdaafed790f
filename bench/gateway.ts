import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Crowd } from "../src/lib/demo/sessions/crowd.js";
import { peopleOf } from "../src/lib/demo/sessions/people.js";
import { Sites, type SitesOptions } from "../src/lib/demo/sites.js";
import { type Benchmark, secondsSince } from "./benchmark.js";

const SESSIONS = 10_000;
const LOGINS_PER_SECOND = 2_000;
const MOVED = 3_000;
const PACE = 1_000;

export const gateway: Benchmark = {
  name: "gateway",
  title: "sessions of one gateway; a weak disable at a pace",
  async run({ say }) {
    const roomy = { loginsPerSecond: LOGINS_PER_SECOND, maxSessions: 20_000 };
    const memory = await withSites({ full: roomy }, async (sites) => {
      const before = residentBytes(sites, "full");
      return withCrowd(sites, SESSIONS, async (crowd) => {
        const start = performance.now();
        await crowd.start(LOGINS_PER_SECOND);
        await until(() => crowd.figures().online === SESSIONS);
        say(`${SESSIONS} logins in ${secondsSince(start).toFixed(1)} s`);
        // A round of heartbeats.
        await sleep(16_000);
        return { before, after: residentBytes(sites, "full") };
      });
    });

    const receiver = { loginsPerSecond: PACE, maxSessions: 20_000 };
    const move = await withSites({ from: roomy, to: receiver }, async (sites) =>
      // All of them at the one site at first.
      sites
        .publish([sites.entry("to", "mask")])
        .then(() => withCrowd(sites, MOVED, async (crowd) => moved(sites, crowd))),
    );
    const MIB = 1024 * 1024;
    return [
      {
        what: `resident memory of a gateway with ${SESSIONS} sessions`,
        value: memory.after / MIB,
        unit: "MiB",
        target: { atMost: 400 },
      },
      {
        what: "of it a session",
        value: (memory.after - memory.before) / SESSIONS / 1024,
        unit: "KiB",
        target: null,
      },
      {
        what: `${MOVED} sessions weakly disabled at ${PACE}/s, time / bound`,
        value: move.seconds / (MOVED / PACE),
        unit: "",
        target: { atMost: 1.1 },
      },
      {
        what: "most logins a second there / limit",
        value: move.peak / PACE,
        unit: "",
        target: { atMost: 1 },
      },
      { what: "logins put off there", value: move.refused, unit: "", target: null },
      { what: "CPU there, a login", value: move.cpuMs, unit: "ms", target: null },
      {
        what: "seconds without a session, of all users",
        value: move.secondsWithout,
        unit: "s",
        target: { atMost: 0 },
      },
    ];
  },
};

async function moved(sites: Sites, crowd: Crowd) {
  await crowd.start(LOGINS_PER_SECOND);
  await until(() => crowd.figures().bySite["from"] === MOVED);
  await sites.publish([sites.entry("from", "weak")]);
  const cpu = cpuSeconds(sites, "to");
  const start = performance.now();
  await sites.put("from", "weak-disable", {
    kind: "relogin",
    entry: "weak-from",
    filter: { carrier: null, province: null, port: null },
    count: null,
    perSecond: PACE,
    withinMs: 10_000,
  });
  const { state } = await sites.ended("from", "weak-disable");
  const seconds = secondsSince(start);
  if (state !== "succeeded") throw new Error(`the weak disable ${state}`);
  const { logins } = await sites.agent("to").sessions();
  const { msWithout, moves } = crowd.figures();
  if (moves !== MOVED) throw new Error(`${moves} of ${MOVED} users moved`);
  return {
    seconds,
    peak: logins.peak,
    cpuMs: ((cpuSeconds(sites, "to") - cpu) * 1_000) / MOVED,
    refused: logins.refused,
    secondsWithout: msWithout / 1_000,
  };
}

async function withSites<T>(
  sites: SitesOptions["sites"],
  work: (sites: Sites) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "ops-bench-"));
  const started = await Sites.start({ dir, sites, dispatchers: 1 });
  try {
    return await work(started);
  } finally {
    await started.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function withCrowd<T>(
  sites: Sites,
  users: number,
  work: (crowd: Crowd) => Promise<T>,
): Promise<T> {
  const dispatch = sites.dispatchUrls;
  const crowd = new Crowd({ people: peopleOf(users), dispatch, random: Math.random });
  try {
    return await work(crowd);
  } finally {
    crowd.stop();
  }
}

function residentBytes(sites: Sites, node: string): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(told(sites, node, "status"))![1]) * 1024;
}

function cpuSeconds(sites: Sites, node: string): number {
  // After the name, which may hold spaces, in parentheses; in hundredths of a second.
  const fields = told(sites, node, "stat").split(") ").at(-1)!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** What Linux says about the agent's process. */
function told(sites: Sites, node: string, file: string): string {
  const { pid } = sites.cluster.agents.find((agent) => agent.node === node)!;
  return readFileSync(`/proc/${pid}/${file}`, "utf8");
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 120_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error("not within two minutes");
    await sleep(50);
  }
}
