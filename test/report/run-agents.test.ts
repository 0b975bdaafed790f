import { expect, test } from "vitest";
import { agentsText } from "../../src/lib/report/run-agents.js";
import type { AgentAnswer } from "../../src/lib/run/tables.js";

type Status = NonNullable<AgentAnswer["status"]>;

function entry(lo: bigint, hi: bigint, more: Partial<Status["entries"][number]> = {}) {
  const cursor = { generation: 2n, index: lo };
  const idle = { phase: "idle", readable: true, untouched: false, source: null, link: null };
  const at = { keyspace: "profile", role: "primary", generation: 2n, handed: null } as const;
  return { lo, hi, cursor, ...at, ...idle, ...more };
}

function rows(entries: readonly Status["entries"][number][], verbose = false): string[] {
  const status = {
    role: "data",
    uptimeMs: 1_000,
    engine: "embedded",
    routes: {},
    entries,
  } as unknown as Status;
  const agents = [{ node: "a1", url: "http://a1", status, why: null }] as unknown as AgentAnswer[];
  return agentsText(agents, { width: 80, verbose })
    .split("\n")
    .slice(1)
    .map((line) => line.trim().replace(/ {2,}/g, "  "));
}

const SLICED = [entry(0n, 10n), entry(10n, 60n), entry(60n, 100n)];

test("slices that have all moved are told as one segment, each when every one is asked for", () => {
  expect(rows(SLICED)).toEqual(["profile [0, 100) (3 parts)  primary 2"]);
  expect(rows(SLICED, true)).toEqual([
    "profile [0, 10)  primary 2",
    "profile [10, 60)  primary 2",
    "profile [60, 100)  primary 2",
  ]);
});

test("neighbours of another generation, role or keyspace, and parts with a gap between them, are not", () => {
  const source = { node: "b1", url: "http://b1" };
  expect(
    rows([
      entry(0n, 10n),
      entry(10n, 20n, { generation: 3n }),
      entry(20n, 30n, { role: "follower", source }),
      entry(30n, 40n, { keyspace: "status" }),
      entry(50n, 60n, { keyspace: "status" }),
    ]),
  ).toEqual([
    "profile [0, 10)  primary 2",
    "profile [10, 20)  primary 3",
    "profile [20, 30)  follower 2  from b1",
    "status [30, 40)  primary 2",
    "status [50, 60)  primary 2",
  ]);
});
