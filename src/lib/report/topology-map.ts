import type {
  Idc,
  Share,
  Demand,
  Keyspace,
  Node,
  Policy,
  RegionLink,
  SetSpec,
  Shard,
  Topology,
} from "../topology/types.js";
import type { Segment } from "../keyspace/segment.js";
import { formatBitsPerSecond, formatBytes, formatCount, formatSegment } from "../topology/units.js";
import { fieldName, fieldText } from "./topology-fields.js";
import { percentOf, shareText } from "./topology-share.js";
import { wrap } from "../wrap.js";

const WIDTH = 80;
/** Cells of a bar of segments. */
const BAR = 32;
/** How much of a cell a shard owns: none, a little, half, most, all. */
const SHADES = ["·", "░", "▒", "▓", "█"];
/** Longest list of segments that is written out under a bar. */
const MAX_SEGMENTS = 8;

/** A map of a topology that fits into 80 columns as long as its names are short enough: places, keyspaces, policy. */
export function renderTopologyMap(topology: Topology): string {
  const held = holdings(topology);
  return [
    topology.name,
    ...topology.regions.map(({ id }) => renderRegion(topology, id, held)),
    ...topology.keyspaces.map((keyspace) => renderKeyspace(topology, keyspace)),
    ...(topology.demand ? [renderDemand(topology.demand)] : []),
    ...(topology.links.length > 0 ? [renderLinks(topology.links)] : []),
    renderPolicy(topology.policy),
  ].join("\n\n");
}

/** What each node holds: `profile/p0*` where it is the primary. */
function holdings({ keyspaces }: Topology): Map<string, string[]> {
  const held = new Map<string, string[]>();
  const add = (node: string, text: string) => held.set(node, [...(held.get(node) ?? []), text]);
  for (const { id, shards } of keyspaces) {
    for (const shard of shards) {
      add(shard.primary, `${id}/${shard.id}*`);
      for (const replica of shard.replicas) add(replica, `${id}/${shard.id}`);
    }
  }
  return held;
}

function renderRegion(
  topology: Topology,
  region: string,
  held: ReadonlyMap<string, string[]>,
): string {
  const sets = topology.sets.filter((set) => set.region === region);
  const users = sum(sets, (set) => set.capacity.onlineUsers);
  const logins = sum(sets, (set) => set.capacity.loginsPerSecond);
  const lines = [`${region}  ${capacityText(users, logins)}`];
  for (const idc of topology.idcs.filter((one) => one.region === region)) {
    lines.push(
      `  ${idc.id}  ${idc.carriers.map((carrier) => carrierText(idc, carrier)).join(", ")}`,
    );
    for (const set of sets.filter((one) => one.idc === idc.id))
      lines.push(...renderSet(topology, set, held));
  }
  return lines.join("\n");
}

function carrierText({ carrierUsers }: Idc, carrier: string): string {
  return Object.hasOwn(carrierUsers, carrier)
    ? `${carrier} ${formatCount(BigInt(carrierUsers[carrier]!))}`
    : carrier;
}

function renderSet(
  topology: Topology,
  set: SetSpec,
  held: ReadonlyMap<string, string[]>,
): string[] {
  const nodes = topology.nodes.filter((node) => node.set === set.id);
  const of = (layer: Node["layer"]) => nodes.filter((node) => node.layer === layer);
  const front = (["access", "logic"] as const).flatMap((layer) => {
    const count = of(layer).length;
    return count === 0 ? [] : [`${layer} ${count} ${count === 1 ? "node" : "nodes"}`];
  });
  const data = of("data");
  const width = Math.max(0, ...data.map((node) => node.id.length));
  return [
    `    ${set.id}  ${capacityText(set.capacity.onlineUsers, set.capacity.loginsPerSecond)}`,
    ...(front.length > 0 ? [`      ${front.join(", ")}`] : []),
    ...data.flatMap((node) => {
      const { memoryBytes, opsPerSecond, networkBitsPerSecond } = node.capacity;
      const capacity = [
        formatBytes(BigInt(memoryBytes)),
        `${formatCount(BigInt(opsPerSecond))} ops/s`,
        formatBitsPerSecond(BigInt(networkBitsPerSecond)),
      ].join(", ");
      const holds = held.get(node.id) ?? ["unused"];
      return [
        `      ${node.id.padEnd(width)}  ${node.engine ?? ""}, ${capacity}`,
        ...wrap(" ".repeat(10) + holds.join(", "), WIDTH, 10),
      ];
    }),
  ];
}

function renderKeyspace(topology: Topology, keyspace: Keyspace): string {
  const { id, sharding, domain, shards } = keyspace;
  const where = sharding === "range" ? `, ${formatSegment(domain)}` : "";
  const regions = new Map(topology.nodes.map((node) => [node.id, node.region]));
  const name = Math.max(...shards.map((shard) => shard.id.length));
  const share = shards.map((shard) => shareText(percentOf(size(shard.segments), size([domain]))));
  const width = Math.max(...share.map((text) => text.length));
  const lines = shards.flatMap((shard, i) => {
    const head = `  ${shard.id.padEnd(name)}  ${bar(shard.segments, domain)}  ${share[i]!.padStart(width)}`;
    const listed = segmentsText(shard, sharding);
    const fits = head.length + 2 + listed.length <= WIDTH;
    const indent = name + 4;
    const left = " ".repeat(indent);
    const on = (node: string) => `${node} (${regions.get(node) ?? "?"})`;
    const copies =
      shard.replicas.length > 0 ? `; copies on ${shard.replicas.map(on).join(", ")}` : "";
    const load = shard.share === undefined ? "" : `; ${shareText(shard.share * 100)} of the load`;
    return [
      fits ? `${head}  ${listed}` : head,
      ...(fits ? [] : wrap(left + listed, WIDTH, indent)),
      ...wrap(`${left}writes on ${on(shard.primary)}${copies}${load}`, WIDTH, indent),
    ];
  });
  const load = keyspace.load ? [`  load: ${fieldsText(keyspace.load)}`] : [];
  return [
    `${id}  ${keyspace.class}, ${keyspace.sync}, ${sharding}${where}`,
    ...load.flatMap((line) => wrap(line, WIDTH, 4)),
    ...lines,
  ].join("\n");
}

function renderDemand(demand: Demand): string {
  const { onlineUsers, loginsPerSecond, carriers, provinces, perUser } = demand;
  const text = (shares: readonly Share[]) =>
    shares.map(({ id, share }) => `${id} ${shareText(share * 100)}`).join(", ");
  const parts = [
    ["over", text(carriers)],
    ["from", text(provinces)],
  ] as const;
  return [
    `demand  ${capacityText(onlineUsers, loginsPerSecond)}`,
    ...parts.flatMap(([how, names]) => (names === "" ? [] : wrap(`  ${how} ${names}`, WIDTH, 4))),
    ...Object.entries(perUser).flatMap(([layer, cost]) => {
      const text = fieldsText(cost);
      return text === "" ? [] : [`  ${layer}, for each user online: ${text}`];
    }),
  ].join("\n");
}

function renderLinks(links: readonly RegionLink[]): string {
  const lines = links.map(
    ({ between, bitsPerSecond }) =>
      `  ${between.join(" - ")}  ${formatBitsPerSecond(BigInt(bitsPerSecond))}`,
  );
  return ["links", ...lines].join("\n");
}

/** What is said of a load or of a cost, as in the YAML. */
function fieldsText(fields: object): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== 0 && value !== null)
    .map(([name, value]) => `${fieldName(name)} ${fieldText(name, value)}`)
    .join(", ");
}

function segmentsText(shard: Shard, sharding: Keyspace["sharding"]): string {
  const { segments } = shard;
  if (sharding === "consistent-hash") return `${segments.length} segments`;
  const shown = segments.slice(0, MAX_SEGMENTS).map(formatSegment).join(", ");
  return segments.length > MAX_SEGMENTS
    ? `${shown} and ${segments.length - MAX_SEGMENTS} more`
    : shown;
}

/** The domain from left to right; each cell as dark as the share of it that the segments own. */
function bar(segments: readonly Segment[], domain: Segment): string {
  const cells = BigInt(BAR);
  const length = domain.hi - domain.lo;
  // Owned positions of each cell, times BAR, so that cells of a small domain need no fractions.
  const owned = Array.from({ length: BAR }, () => 0n);
  for (const { lo, hi } of segments) {
    const from = (lo - domain.lo) * cells;
    const to = (hi - domain.lo) * cells;
    for (let cell = from / length; cell * length < to; cell += 1n) {
      const start = cell * length > from ? cell * length : from;
      const end = (cell + 1n) * length < to ? (cell + 1n) * length : to;
      owned[Number(cell)]! += end - start;
    }
  }
  return owned
    .map((part) => {
      if (part === 0n) return SHADES[0]!;
      return SHADES[Math.min(4, 1 + Number((part * 4n - 1n) / length))]!;
    })
    .join("");
}

function renderPolicy(policy: Policy): string {
  const { promotion, gates, concurrency } = policy;
  const text = (field: string, value: unknown) => fieldText(field, value);
  return [
    "policy",
    `  regions that may be lost ${policy.regionsLost}, headroom ${text("headroom", policy.headroom)}, copies spread over ${policy.spread}s`,
    `  reads ${promotion.reads.map((step) => `${step}%`).join(", ")}; writes: canary ${text("canary", promotion.canary)}, slices ${promotion.slices}`,
    `  gates: window ${text("windowSeconds", gates.windowSeconds)}, errors <= ${text("maxErrorRate", gates.maxErrorRate)}, lag <= ${text("maxLagMs", gates.maxLagMs)},`,
    `    p99 <= ${text("p99FloorMs", gates.p99FloorMs)} or ${gates.maxP99Ratio}x of the source's`,
    `  copies at once: ${concurrency.perNode} per node, ${concurrency.total} in all; ${text("linkBytesPerSecond", policy.linkBytesPerSecond)} each,`,
    `    between regions ${text("lineShare", policy.lineShare)} of what a line has left; blast radius: ${policy.blastRadius}`,
    `  a shard is hot above ${policy.skew}x the average; sync window ${text("syncWindowMs", policy.syncWindowMs)}`,
    `  takeover within ${text("takeoverBudgetMs", policy.takeoverBudgetMs)}, soak ${text("soakSeconds", policy.soakSeconds)}`,
    ...policy.rules.flatMap(({ rule, severity, reason }) =>
      wrap(`  rule ${rule}: ${severity}; ${reason}`, WIDTH, 4),
    ),
  ].join("\n");
}

function capacityText(users: number, logins: number): string {
  return `${formatCount(BigInt(users))} users online, ${formatCount(BigInt(logins))} logins/s`;
}

function size(segments: readonly Segment[]): bigint {
  return segments.reduce((total, { lo, hi }) => total + (hi - lo), 0n);
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
