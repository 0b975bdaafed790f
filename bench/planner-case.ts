import { compare } from "../src/lib/keyspace/map.js";
import { ringSegments } from "../src/lib/keyspace/ring.js";
import { POSITION_END, type Segment } from "../src/lib/keyspace/segment.js";
import { checkPlan } from "../src/lib/plan/check/index.js";
import { encodePlan } from "../src/lib/plan/encode.js";
import { type Histogram, type Observed, observedFromTopology } from "../src/lib/plan/observed.js";
import { planShards } from "../src/lib/plan/planner.js";
import type { Copying } from "../src/lib/plan/types.js";
import type { Keyspace, Node, Policy, Shard, Topology } from "../src/lib/topology/types.js";

/** One plan in a process of its own, so that its memory can be told. */
export interface CaseResult {
  readonly ms: number;
  /** By `checkPlan`, as shard plan does it, and by `encodePlan`. */
  readonly checkedMs: number;
  readonly writtenMs: number;
  /** Of CPU, by all threads of the process: what a busy machine does not make longer. */
  readonly cpuMs: { readonly planned: number; readonly checked: number; readonly written: number };
  /** What the process had taken before it planned. */
  readonly inputBytes: number;
  /** When it had planned, and in the end. */
  readonly peakBytes: number;
  readonly endBytes: number;
  readonly segments: number;
  readonly steps: number;
  /** Of the copies in their waves; null where it is not known how much there is to copy. */
  readonly copying: Copying | null;
}

const NODES = 3_000;
const REGIONS = ["shanghai", "shenzhen", "tianjin"];
const SETS_OF_REGION = 10;
const VIRTUAL_NODES = 160;
const SHARDS = 625;
const DOMAIN_END = 10_000_000_000n;

/** A position weighs up to a hundred times what another does. */
const UNEVEN: Histogram = pieces(0n, DOMAIN_END, 100_000).map((piece, i) => {
  const weight = BigInt(1 + ((i * 7_919) % 100));
  return { ...piece, rows: weight * 10_000n, bytes: weight * 100_000_000n };
});

interface Case {
  readonly before: Topology;
  readonly after: Topology;
  /** What is stored where; missing for unknown. */
  readonly histogram?: Histogram;
}

const KINDS: Readonly<Record<string, () => Case>> = {
  range: () => rangeOf(1_000),
  /** 625 shards of 160 virtual nodes, 5 new ones. */
  ring: () => ({ before: ringOf(SHARDS), after: ringOf(SHARDS + 5) }),
  /** 1,002 copies whose lengths differ up to a hundredfold. */
  copies: () => ({ ...rangeOf(334), histogram: UNEVEN }),
  /** The same, one set of a region at a time. */
  "blast-radius": () => {
    const { before, after } = rangeOf(334);
    const policy = { ...after.policy, blastRadius: "set" as const };
    return { before, after: { ...after, policy }, histogram: UNEVEN };
  },
};

/** 1,000 shards of 100 segments each, scattered; 10 new ones take one segment of each of the first so many. */
function rangeOf(givers: number): Case {
  const all = pieces(0n, DOMAIN_END, 100_000);
  const shards = all.length / 100;
  const before = Array.from({ length: shards }, (_, i) =>
    all.filter((_piece, at) => at % shards === i),
  );
  const given = before.slice(0, givers);
  const added = Array.from({ length: 10 }, (_, i) =>
    given.flatMap((segments, at) => (at % 10 === i ? segments.slice(99) : [])),
  );
  const after = before.map((segments, at) => (at < givers ? segments.slice(0, 99) : segments));
  return {
    before: topology(keyspace("range", { lo: 0n, hi: DOMAIN_END }, before)),
    after: topology(keyspace("range", { lo: 0n, hi: DOMAIN_END }, [...after, ...added])),
  };
}

function ringOf(shards: number): Topology {
  const names = Array.from({ length: shards }, (_, i) => `s${i}`);
  const ring = ringSegments(names, VIRTUAL_NODES);
  const owned = names.map((name) => ring.get(name)!);
  return topology(keyspace("consistent-hash", { lo: 0n, hi: POSITION_END }, owned));
}

function pieces(lo: bigint, hi: bigint, count: number): Segment[] {
  const width = (hi - lo) / BigInt(count);
  return Array.from({ length: count }, (_, i) => ({
    lo: lo + BigInt(i) * width,
    hi: lo + BigInt(i + 1) * width,
  }));
}

function keyspace(
  sharding: Keyspace["sharding"],
  domain: Segment,
  owned: readonly (readonly Segment[])[],
): Keyspace {
  const shards = owned.map((segments, i): Shard => {
    const [primary, ...replicas] = REGIONS.map((_, r) => nodeName(i, (r + i) % REGIONS.length));
    return { id: `s${i}`, segments, primary: primary!, replicas };
  });
  return {
    id: "profile",
    class: "relationship",
    sync: "global",
    ack: "local",
    sharding,
    domain,
    shards,
  };
}

function nodeName(i: number, region: number): string {
  return `${REGIONS[region]!}-${i % (NODES / REGIONS.length)}`;
}

function topology(...keyspaces: Keyspace[]): Topology {
  const nodes = Array.from({ length: NODES }, (_, n): Node => {
    const r = n % REGIONS.length;
    const i = Math.floor(n / REGIONS.length);
    const [region, set] = [REGIONS[r]!, `${REGIONS[r]!}-set-${i % SETS_OF_REGION}`];
    return {
      id: nodeName(i, r),
      set,
      region,
      idc: `${region}-idc`,
      layer: "data",
      engine: "embedded",
      agent: `http://127.0.0.1:${10_000 + n}`,
      capacity: { memoryBytes: 64 * 2 ** 30, opsPerSecond: 200_000, networkBitsPerSecond: 1e10 },
    };
  });
  const sets = [...new Map(nodes.map(({ set, region, idc }) => [set, { region, idc }]))];
  return {
    name: "bench",
    regions: REGIONS.map((id) => ({ id })),
    idcs: REGIONS.map((region) => ({
      id: `${region}-idc`,
      region,
      carriers: [],
      carrierUsers: {},
    })),
    sets: sets.map(([id, place]) => ({
      id,
      ...place,
      capacity: { onlineUsers: 0, loginsPerSecond: 0 },
    })),
    nodes,
    keyspaces,
    demand: null,
    links: [],
    policy: POLICY,
  };
}

const POLICY: Policy = {
  regionsLost: 1,
  headroom: 0.2,
  skew: 2,
  syncWindowMs: 1_000,
  rules: [],
  spread: "region",
  promotion: { reads: [1, 25, 50, 100], canary: 0.01, slices: 4 },
  gates: {
    windowSeconds: 30,
    minSamples: 200,
    whenQuiet: "proceed",
    maxErrorRate: 0.001,
    maxP99Ratio: 1.2,
    p99FloorMs: 5,
    maxLagMs: 1_000,
    checkUrl: null,
  },
  concurrency: { perNode: 2, total: 64 },
  linkBytesPerSecond: null,
  lineShare: 0.5,
  blastRadius: "unlimited",
  takeoverBudgetMs: 1_000,
  soakSeconds: 600,
};

/** What live agents would tell is sorted; the topology before is not kept. */
function inputs(kind: string): { observed: Observed; after: Topology } {
  const { before, after, histogram } = KINDS[kind]!();
  const { keyspaces, ...rest } = observedFromTopology(before);
  const sorted = keyspaces.map(({ entries, ...keyspace }) => ({
    ...keyspace,
    entries: entries.toSorted((a, b) => compare(a.segment.lo, b.segment.lo)),
    ...(histogram === undefined ? {} : { histogram }),
  }));
  const basis = histogram === undefined ? rest.basis : "measured";
  return { observed: { ...rest, basis, keyspaces: sorted }, after };
}

function main(kind: string): void {
  const { observed, after } = inputs(kind);
  const inputBytes = peak();
  const planned = timed(() =>
    planShards({
      topology: after,
      observed,
      createdAt: "2026-01-01T00:00:00.000Z",
      topologyHash: "0".repeat(64),
    }),
  );
  const plan = planned.value;
  const peakBytes = peak();
  const checked = timed(() => checkPlan(plan));
  const [finding] = checked.value;
  if (finding) throw new Error(`the plan is not sound: ${finding.rule}: ${finding.message}`);
  const written = timed(() => encodePlan(plan));
  const result: CaseResult = {
    ms: planned.ms,
    checkedMs: checked.ms,
    writtenMs: written.ms,
    cpuMs: { planned: planned.cpuMs, checked: checked.cpuMs, written: written.cpuMs },
    inputBytes,
    peakBytes,
    endBytes: peak(),
    segments: after.keyspaces[0]!.shards.reduce((sum, { segments }) => sum + segments.length, 0),
    steps: plan.stages.flatMap(({ waves }) => waves.flat()).length,
    copying: plan.copying ?? null,
  };
  console.log(JSON.stringify(result));
}

function timed<T>(work: () => T): {
  readonly value: T;
  readonly ms: number;
  readonly cpuMs: number;
} {
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  const value = work();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { value, ms, cpuMs: (user + system) / 1_000 };
}

function peak(): number {
  return process.resourceUsage().maxRSS * 1_024;
}

main(process.argv[2] ?? "range");
