/** What of the test's cluster differs from case to case. */
export interface Shape {
  /** A URL that a gate asks. */
  readonly checkUrl?: string;
  /** Copy rate of a link. */
  readonly perLink?: string;
  /** Of `profile`; `local` when absent. */
  readonly ack?: "follower";
  /** Who holds what, before and after, instead of the usual expansion. */
  readonly shards?: { readonly before: Shards; readonly after: Shards };
}

/** By name: first and last position, primary, replicas. Together all of `profile`, [0, 4000). */
export type Shards = Readonly<
  Record<string, readonly [lo: number, hi: number, primary: string, ...replicas: string[]]>
>;

const USUAL: { readonly before: Shards; readonly after: Shards } = {
  before: { p0: [0, 3600, "a1", "b1"], p9: [3600, 4000, "c1", "b1"] },
  after: {
    p0: [0, 2000, "a1", "b1"],
    p1: [2000, 3600, "a2", "b2"],
    p9: [3600, 4000, "c1", "b1"],
  },
};

/**
 * `a1` (with its replica `b1`) hands [2000, 3600) to `a2` (with `b2`). `c1` holds what nobody moves: it only learns the routes.
 * Gates are as good as always open, and windows short.
 */
export function topology(
  expanded: boolean,
  { checkUrl, perLink = "unlimited", ack, shards = USUAL }: Shape,
): string {
  const node = (name: string, port: number) =>
    `                ${name}: { agent: "http://127.0.0.1:${port}", engine: embedded, capacity: { memory: 8GiB, ops: 50k, network: 1Gbps } }`;
  const region = (name: string, nodes: string[]) => `  ${name}:
    idcs:
      ${name}-1:
        carriers: [telecom]
        sets:
          ${name}-1-a:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            data:
              nodes:
${nodes.join("\n")}`;
  const lines = Object.entries(expanded ? shards.after : shards.before).map(
    ([id, [lo, hi, primary, ...replicas]]) =>
      `${id}: { segments: [${lo}..${hi}], primary: ${primary}, replicas: [${replicas.join(", ")}] }`,
  );
  return `version: 1
name: expansion
regions:
${region("east", [node("a1", 7401), node("a2", 7402)])}
${region("west", [node("b1", 7403), node("b2", 7404)])}
${region("north", [node("c1", 7405)])}
keyspaces:
  profile:
    class: relationship
    sync: global
    sharding: range
    domain: 0..4000
${ack === undefined ? "" : `    ack: ${ack}\n`}    shards:
${lines.map((line) => `      ${line}`).join("\n")}
policy:
  promotion: { reads: [10%, 100%], canary: 10%, slices: 2 }
  gates:
    window: 200ms
    minSamples: 0
    maxErrorRate: 100%
    maxP99Ratio: 1000
    maxLag: 10s
${checkUrl === undefined ? "" : `    checkUrl: "${checkUrl}"\n`}  bandwidth: { perLink: ${perLink} }
  takeover: { budget: 5s }
  soak: 1s
`;
}

/** The same file with more users than any of it can carry: an error of capacity. */
export function overloaded(text: string): string {
  return `${text}demand: { onlineUsers: 100M, loginsPerSecond: 1k }\n`;
}
