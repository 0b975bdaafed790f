import { EXIT, OpsError } from "../errors.js";
import { gaps } from "../keyspace/map.js";
import type { Segment } from "../keyspace/segment.js";
import type { LiveLoad } from "../plan/expand.js";
import type { Measured } from "../plan/expand/field.js";
import type { ObservedEntry } from "../plan/observed.js";
import type { Keyspace, Topology } from "../topology/types.js";
import { type Agents, connectAgents } from "./agents.js";
import { asProblem } from "./failure.js";
import { dataAgents, type ObserveOptions, observeAgents } from "./observe.js";

/** Buckets of a shard, and of each of its segments at least. */
const SHARD_BUCKETS = 1_024;
const SEGMENT_BUCKETS = 64;
/** Requests at once: an agent reads all its rows for one. */
const AT_ONCE = 32;

/**
 * Asks the primaries of a keyspace where its data lies and where it is used.
 * @throws OpsError `unreachable` (exit 9) when a node that may hold some of it does not answer
 */
export async function measureLoad(
  topology: Topology,
  keyspace: Keyspace,
  options: Pick<ObserveOptions, "connect"> = {},
): Promise<LiveLoad> {
  const agents = await (options.connect ?? connectAgents)(dataAgents(topology));
  try {
    const { keyspaces, unreachable } = await observeAgents(agents, 0);
    const entries = keyspaces.find(({ id }) => id === keyspace.id)?.entries ?? [];
    const primaries = entries.filter(({ role }) => role === "primary");
    const [missing] = gaps(
      primaries.map(({ segment }) => segment),
      keyspace.domain,
    );
    const [silent] = unreachable;
    if (missing !== undefined && silent !== undefined)
      throw unreached(silent.node, keyspace.id, silent.why);
    return await askAll(agents, keyspace.id, primaries);
  } finally {
    await agents.close();
  }
}

interface Answer {
  readonly node: string;
  readonly measured: Measured;
  /** Null when the agent does not count accesses. */
  readonly countedSeconds: number | null;
}

async function askAll(
  agents: Agents,
  keyspace: string,
  primaries: readonly ObservedEntry[],
): Promise<LiveLoad> {
  const widths = new Map<string | null, bigint>();
  for (const { shard, segment } of primaries)
    widths.set(shard, (widths.get(shard) ?? 0n) + segment.hi - segment.lo);
  const queue = primaries.map((entry, index) => ({ entry, index }));
  const answers: Answer[] = [];
  const work = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { entry, index } = next;
      const buckets = bucketsFor(entry.segment, widths.get(entry.shard)!);
      answers[index] = await ask(agents, keyspace, entry, buckets);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const uncounted = answers.filter(({ countedSeconds }) => countedSeconds === null);
  return {
    measured: answers.map(({ measured }) => measured),
    uncounted: [...new Set(uncounted.map(({ node }) => node))].toSorted(),
    countedSeconds: answers.reduce(
      (least, one) => Math.min(least, one.countedSeconds ?? least),
      Infinity,
    ),
  };
}

/** The shard's buckets by width, so that a shard of many segments is not asked for as many times the buckets. */
function bucketsFor({ lo, hi }: Segment, width: bigint): number {
  const share = Number((BigInt(SHARD_BUCKETS) * (hi - lo) + width - 1n) / width);
  return Math.max(SEGMENT_BUCKETS, share);
}

async function ask(
  agents: Agents,
  keyspace: string,
  { node, segment }: ObservedEntry,
  buckets: number,
): Promise<Answer> {
  const { lo, hi } = segment;
  const answer = await agents
    .of(node)
    .histogram(keyspace, lo, hi, buckets)
    .catch((error: unknown) => {
      throw unreached(node, keyspace, asProblem(error).message, error);
    });
  const column = (value: (bucket: (typeof answer.buckets)[number]) => number): Float64Array =>
    Float64Array.from(answer.buckets, value);
  return {
    node,
    countedSeconds: answer.countedSeconds ?? null,
    measured: {
      lo,
      hi,
      bytes: column(({ bytes }) => bytes),
      ops: column(({ ops }) => ops ?? 0),
      traffic: column(({ traffic }) => traffic ?? 0),
    },
  };
}

function unreached(node: string, keyspace: string, why: string, cause?: unknown): OpsError {
  return new OpsError(
    "unreachable",
    EXIT.unreachable,
    `${node} did not say how much of ${keyspace} it holds: ${why}`,
    { hint: "Start it, or try again: a part that nobody measured cannot be shared out.", cause },
  );
}
