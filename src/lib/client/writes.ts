import { HEADER } from "../agent/protocol/headers.js";
import type { Problem } from "../agent/protocol/problem.js";
import { EXIT } from "../errors.js";
import { dataPath, laneOf, positionIn, since, type Address, type Context } from "./context.js";
import { ClientError, UnknownOutcome } from "./errors.js";
import { Patience } from "./patience.js";
import { followRedirect } from "./redirect.js";
import { writerAt } from "./routes.js";
import { NoAnswer, problemOf, type Reply } from "./transport.js";
import { durationText } from "../figures.js";

export interface Written {
  /** Place of the write in the log, `generation.index`: pass it as `minPosition` to a read that must see the write. */
  readonly position: string;
}

/** A put, or with `value: null` a delete. Throws ClientError, UnknownOutcome. */
export async function write(
  context: Context,
  address: Address,
  value: Buffer | null,
): Promise<Written> {
  const { metrics, settings, lanes, recent } = context;
  const start = performance.now();
  const patience = new Patience(settings.deadlineMs);
  try {
    const written = await lanes.run([laneOf(address.keyspace, address.text)], () =>
      attempts(context, address, value, patience),
    );
    metrics.wrote(since(start));
    if (settings.readYourWrites) recent.note(address.keyspace, address.text, written.position);
    return written;
  } catch (error) {
    if (error instanceof UnknownOutcome) metrics.writesUnknown += 1;
    else metrics.writesFailed += 1;
    throw error;
  }
}

async function attempts(
  context: Context,
  address: Address,
  value: Buffer | null,
  patience: Patience,
): Promise<Written> {
  const { routes, transport, admission, metrics, settings } = context;
  /** What an earlier attempt left undecided. */
  let unknown: UnknownOutcome | null = null;
  let fencedAt: number | null = null;
  let last = "no attempt was made";
  /** Once an attempt's outcome is unknown, the write's is. */
  const giveUp = (error: ClientError): Error => unknown ?? error;

  while (!patience.over) {
    const known = await routes.of(address.keyspace).catch((error: unknown) => {
      throw unknown ?? error;
    });
    const position = positionIn(known.table, address);
    const writer = writerAt(known, position);
    let reply: Reply;
    try {
      reply = await admission.send(transport, patience, {
        url: writer.url,
        method: value === null ? "DELETE" : "PUT",
        path: dataPath(address),
        headers: { [HEADER.generation]: writer.generation.toString(), ...BODY_TYPE },
        body: value,
      });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      last = error.message;
      if (error.fate !== "unsent") {
        unknown = new UnknownOutcome(
          `${what(value, address)}: ${error.message}`,
          error.fate === "open",
          error,
        );
        if (!settings.retryUnknown || unknown.open) throw unknown;
      }
      metrics.retries += 1;
      await patience.pause();
      continue;
    }

    if (reply.status === 204) {
      if (fencedAt !== null) metrics.fenced(since(fencedAt));
      return { position: String(reply.headers[HEADER.position] ?? "") };
    }
    const problem = problemOf(reply.status, reply.body.toString("utf8"));
    last = `${writer.url}: ${problem.detail ?? problem.code}`;
    if (problem.code === "wrong-node") {
      metrics.redirects += 1;
      if (followRedirect(routes, known, position, writer.url, problem)) await patience.hop();
      else await patience.pause();
    } else if (problem.code === "moving") {
      fencedAt ??= performance.now();
      await patience.pause(problem.retryAfterMs);
    } else if (problem.outcome === "none" && problem.retryable) {
      metrics.retries += 1;
      await patience.pause(problem.retryAfterMs);
    } else if (problem.outcome === "none") {
      throw giveUp(refusal(what(value, address), last, problem));
    } else {
      unknown = UnknownOutcome.of(what(value, address), last, problem);
      if (!settings.retryUnknown || unknown.open) throw unknown;
      metrics.retries += 1;
      await patience.pause();
    }
  }
  throw giveUp(outOfTime(what(value, address), last, settings.deadlineMs));
}

const BODY_TYPE = { "content-type": "application/octet-stream" };

function what(value: Buffer | null, { keyspace, text }: Address): string {
  return `${value === null ? "delete" : "put"} ${keyspace} ${text}`;
}

export function refusal(access: string, last: string, problem: Problem): ClientError {
  return new ClientError("refused", `${access}: ${last} (${problem.code})`);
}

export function outOfTime(access: string, last: string, deadlineMs: number): ClientError {
  return new ClientError(
    "deadline",
    `${access}: not done within ${durationText(deadlineMs)}; ${last}`,
    EXIT.unreachable,
  );
}
