import { HEADER } from "../agent/protocol/headers.js";
import { nearness, readerOrder, type Nearness } from "../routing/readers.js";
import { dataPath, positionIn, since, type Address, type Context } from "./context.js";
import { Patience } from "./patience.js";
import { segmentAt, writerAt, type Known } from "./routes.js";
import { NoAnswer, problemOf, type Reply } from "./transport.js";
import { outOfTime, refusal } from "./writes.js";

export interface Found {
  readonly value: Buffer;
  /** Where in the log the copy that answered is, `generation.index`. */
  readonly position: string;
  /** How stale the value may be; null from the writer, whose values are never stale. */
  readonly lagMs: number | null;
}

/** For one copy to answer before another one is asked. */
const ATTEMPT_MS = 1_000;

/** Null when there is no such key. Throws ClientError. */
export async function read(
  context: Context,
  address: Address,
  minPosition: string | undefined,
): Promise<Found | null> {
  const { metrics, settings, routes, suspects } = context;
  const start = performance.now();
  const patience = new Patience(settings.deadlineMs);
  let last = "no attempt was made";
  try {
    while (!patience.over) {
      const known = await routes.of(address.keyspace);
      const asked = new Set<string>();
      const copies = [...suspects.last(copiesOf(context, known, address))];
      for (let url = copies.shift(); url !== undefined && !patience.over; url = copies.shift()) {
        if (asked.has(url)) continue;
        asked.add(url);
        let reply: Reply;
        try {
          reply = await ask(context, url, address, minPosition, patience);
        } catch (error) {
          if (!(error instanceof NoAnswer)) throw error;
          last = error.message;
          suspects.add(url);
          metrics.retries += 1;
          continue;
        }
        const found = foundIn(reply);
        if (found !== undefined) {
          suspects.clear(url);
          metrics.read(since(start), nearnessOf(context, known, url));
          return found;
        }
        const problem = problemOf(reply.status, reply.body.toString("utf8"));
        last = `${url}: ${problem.detail ?? problem.code}`;
        if (problem.code === "wrong-node") {
          metrics.redirects += 1;
          // Only of those writes are a table's fault; this may just be a copy that is not far enough yet.
          if (minPosition === undefined) routes.nudge(problem.owner ?? url);
          if (problem.owner) copies.unshift(problem.owner);
        } else if (reply.status < 500) {
          throw refusal(`get ${address.keyspace} ${address.text}`, last, problem);
        } else {
          metrics.retries += 1;
        }
      }
      if (!patience.over) await patience.pause();
    }
    throw outOfTime(`get ${address.keyspace} ${address.text}`, last, settings.deadlineMs);
  } catch (error) {
    metrics.readsFailed += 1;
    throw error;
  }
}

/** The copies in the order in which they should be asked; the writer, also one that a redirect named, is always among them. */
export function copiesOf({ settings }: Context, known: Known, address: Address): string[] {
  const position = positionIn(known.table, address);
  const segment = segmentAt(known, position);
  const { nodes } = known.table;
  const order = readerOrder(segment, settings.place, address.key.uid, nodes).map(
    (node) => nodes[node]!.url,
  );
  return [...order, writerAt(known, position).url];
}

export function nearnessOf({ settings }: Context, known: Known, url: string): Nearness {
  const node = Object.values(known.table.nodes).find((one) => one.url === url);
  return node ? nearness(settings.place, node) : "elsewhere";
}

function ask(
  { transport, admission }: Context,
  url: string,
  address: Address,
  minPosition: string | undefined,
  patience: Patience,
): Promise<Reply> {
  return admission.send(transport, patience, {
    url,
    method: "GET",
    path: dataPath(address),
    headers: minPosition === undefined ? {} : { [HEADER.minPosition]: minPosition },
    body: null,
    atMostMs: ATTEMPT_MS,
  });
}

/** Undefined when the answer is neither the value nor that there is none. */
function foundIn(reply: Reply): Found | null | undefined {
  if (reply.status === 200) {
    const lag = reply.headers[HEADER.lagMs];
    return {
      value: reply.body,
      position: String(reply.headers[HEADER.position] ?? ""),
      lagMs: lag === undefined ? null : Number(lag),
    };
  }
  // A 404 of anything else than this API must not pass for a missing key.
  if (reply.status === 404 && problemOf(404, reply.body.toString("utf8")).code === "not-found")
    return null;
  return undefined;
}
