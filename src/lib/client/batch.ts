import { HEADER } from "../agent/protocol/headers.js";
import type { Problem } from "../agent/protocol/problem.js";
import type { Nearness } from "../routing/readers.js";
import { OpsError } from "../errors.js";
import { decodeAnswer, encodeOp, type Answer, type BatchOp } from "./batch-wire.js";
import { addressOf, laneOf, positionIn, since, type Address, type Context } from "./context.js";
import { ClientError, UnknownOutcome } from "./errors.js";
import { Patience } from "./patience.js";
import { copiesOf, nearnessOf } from "./reads.js";
import { followRedirect } from "./redirect.js";
import { writerAt, type Known } from "./routes.js";
import { NoAnswer, problemOf } from "./transport.js";
import { outOfTime, refusal } from "./writes.js";

export type BatchResult =
  | { readonly status: "written"; readonly position: string }
  | { readonly status: "found"; readonly value: Buffer; readonly position: string }
  | { readonly status: "absent" }
  /** `error`: ClientError, UnknownOutcome, or OpsError `bad-key`. */
  | { readonly status: "failed"; readonly error: OpsError };

/** Of one request. */
const OPS_MAX = 2_000;
const BYTES_MAX = 4 * 1024 * 1024;

class Item {
  readonly op: BatchOp;
  readonly address: Address;
  result: BatchResult | null = null;
  /** What an earlier attempt left undecided. */
  unknown: UnknownOutcome | null = null;
  fencedAt: number | null = null;
  /** Copies that failed to answer this read. */
  readonly failedAt = new Set<string>();
  /** Of the copy that answered this read. */
  near: Nearness | null = null;
  last = "no attempt was made";

  constructor(op: BatchOp, address: Address) {
    this.op = op;
    this.address = address;
  }

  get what(): string {
    return `${this.op.op} ${this.address.keyspace} ${this.address.text}`;
  }

  fail(error: OpsError): void {
    this.result = { status: "failed", error: this.unknown ?? error };
  }

  /** An earlier write of its key may take effect at any time: one that is sent now might be undone by it. */
  withhold(): void {
    if (this.op.op === "get") return;
    const why = "not sent: how an earlier write of this key in the batch went is not known";
    this.fail(new ClientError("refused", `${this.what}: ${why}`));
  }
}

interface Group {
  readonly url: string;
  /** Null for reads. */
  readonly generation: bigint | null;
  readonly known: Known;
  readonly items: Item[];
}

/** One result for each op, in order. Ops on one key take effect in their order; those on different keys in any. */
export async function batch(
  context: Context,
  keyspace: string,
  ops: readonly BatchOp[],
): Promise<BatchResult[]> {
  const start = performance.now();
  const patience = new Patience(context.settings.deadlineMs);
  const results: (BatchResult | Item)[] = [];
  const rounds: Item[][] = [];
  const occurrences = new Map<string, number>();
  for (const [i, op] of ops.entries()) {
    try {
      const item = new Item(op, addressOf(keyspace, op.key));
      const round = occurrences.get(op.key) ?? 0;
      occurrences.set(op.key, round + 1);
      (rounds[round] ??= []).push(item);
      results[i] = item;
    } catch (error) {
      if (!(error instanceof OpsError)) throw error;
      results[i] = { status: "failed", error };
    }
  }
  const lanes = rounds
    .flat()
    .flatMap(({ op }) => (op.op === "get" ? [] : [laneOf(keyspace, op.key)]));
  await context.lanes.run(lanes, async () => {
    for (const [i, items] of rounds.entries()) {
      const open = keysLeftOpen(rounds.slice(0, i));
      for (const item of items) if (open.has(item.op.key)) item.withhold();
      const sent = items.filter(({ result }) => result === null);
      await settle(context, keyspace, sent, patience);
    }
  });
  count(context, rounds.flat(), since(start));
  return results.map((one) => (one instanceof Item ? one.result! : one));
}

/** The keys of writes that may still take effect later than now. */
function keysLeftOpen(rounds: readonly (readonly Item[])[]): ReadonlySet<string> {
  const isOpen = ({ result }: Item) =>
    result?.status === "failed" && result.error instanceof UnknownOutcome && result.error.open;
  return new Set(
    rounds
      .flat()
      .filter(isOpen)
      .map(({ op }) => op.key),
  );
}

/** Goes on until every item has a result. */
async function settle(
  context: Context,
  keyspace: string,
  items: readonly Item[],
  patience: Patience,
): Promise<void> {
  for (let open = items; open.length > 0; open = open.filter(({ result }) => result === null)) {
    if (open !== items) {
      context.metrics.retries += 1;
      await patience.pause();
    }
    if (patience.over) {
      for (const item of open)
        item.fail(outOfTime(item.what, item.last, context.settings.deadlineMs));
      return;
    }
    let known: Known;
    try {
      known = await context.routes.of(keyspace);
    } catch (error) {
      if (!(error instanceof OpsError)) throw error;
      for (const item of open) item.fail(error);
      return;
    }
    await Promise.all(groups(context, known, open).map((group) => send(context, group, patience)));
  }
}

function groups(context: Context, known: Known, items: readonly Item[]): Group[] {
  const full: Group[] = [];
  const filling = new Map<string, { group: Group; bytes: number }>();
  for (const item of items) {
    let target: { url: string; generation: bigint | null };
    try {
      target = targetOf(context, known, item);
    } catch (error) {
      if (!(error instanceof OpsError)) throw error;
      item.fail(error);
      continue;
    }
    const id = `${String(target.generation)} ${target.url}`;
    const bytes = item.op.op === "put" ? item.op.value.length * 2 : 0;
    let place = filling.get(id);
    if (!place || place.group.items.length >= OPS_MAX || place.bytes + bytes > BYTES_MAX) {
      place = { group: { ...target, known, items: [] }, bytes: 0 };
      filling.set(id, place);
      full.push(place.group);
    }
    place.group.items.push(item);
    place.bytes += bytes;
  }
  return full;
}

function targetOf(
  context: Context,
  known: Known,
  item: Item,
): { url: string; generation: bigint | null } {
  const { address, op } = item;
  const writer = writerAt(known, positionIn(known.table, address));
  if (op.op !== "get") return writer;
  // What this client wrote is certain to be at the writer; a batch cannot ask a copy whether it has it.
  if (context.recent.of(address.keyspace, address.text) !== undefined)
    return { url: writer.url, generation: null };
  const copies = context.suspects.last(copiesOf(context, known, address));
  const url = copies.find((copy) => !item.failedAt.has(copy));
  if (url === undefined) item.failedAt.clear();
  return { url: url ?? copies[0]!, generation: null };
}

async function send(context: Context, group: Group, patience: Patience): Promise<void> {
  const { transport, admission, suspects, metrics, settings } = context;
  const { url, generation, items } = group;
  const headers: Record<string, string> = { "content-type": "application/x-ndjson" };
  if (generation !== null) headers[HEADER.generation] = generation.toString();
  let lines: string[];
  try {
    const reply = await admission.send(transport, patience, {
      url,
      method: "POST",
      path: `/v1/data/${encodeURIComponent(group.known.table.keyspace)}:batch`,
      headers,
      body: items.map(({ op }) => encodeOp(op)).join(""),
    });
    const text = reply.body.toString("utf8");
    if (reply.status !== 200) {
      const problem = problemOf(reply.status, text);
      for (const item of items) take(context, group, item, { kind: "problem", problem });
      return;
    }
    lines = text.split("\n");
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    suspects.add(url);
    for (const item of items) lost(item, url, error, settings.retryUnknown);
    return;
  }
  for (const [i, item] of items.entries()) {
    const answer = decodeAnswer(lines[i] ?? "");
    if (answer) take(context, group, item, answer);
    else
      lost(
        item,
        url,
        new NoAnswer(url, "settled", "the answer was cut off"),
        settings.retryUnknown,
      );
  }
  const fences = items.filter(
    ({ fencedAt, result }) => fencedAt !== null && result?.status === "written",
  );
  for (const { fencedAt } of fences) metrics.fenced(since(fencedAt!));
}

function lost(item: Item, url: string, error: NoAnswer, retryUnknown: boolean): void {
  item.last = error.message;
  item.failedAt.add(url);
  if (item.op.op === "get" || error.fate === "unsent") return;
  item.unknown = new UnknownOutcome(`${item.what}: ${error.message}`, error.fate === "open", error);
  if (!retryUnknown || item.unknown.open) item.fail(item.unknown);
}

function take(context: Context, group: Group, item: Item, answer: Answer): void {
  if (answer.kind === "problem") return object(context, group, item, answer.problem);
  if (answer.kind === "written") {
    item.result = { status: "written", position: answer.position };
    if (context.settings.readYourWrites) {
      context.recent.note(item.address.keyspace, item.address.text, answer.position);
    }
    return;
  }
  item.result =
    answer.kind === "found"
      ? { status: "found", value: answer.value, position: answer.position }
      : { status: "absent" };
  item.near = nearnessOf(context, group.known, group.url);
}

/** No result yet means that the item is tried again. */
function object(context: Context, group: Group, item: Item, problem: Problem): void {
  const { routes, metrics, settings } = context;
  const { url, known } = group;
  item.last = `${url}: ${problem.detail ?? problem.code}`;
  const isRead = item.op.op === "get";
  if (problem.code === "wrong-node") {
    metrics.redirects += 1;
    followRedirect(routes, known, positionIn(known.table, item.address), url, problem);
    item.failedAt.add(url);
  } else if (problem.code === "moving") {
    item.fencedAt ??= performance.now();
  } else if (isRead && problem.status >= 500) {
    item.failedAt.add(url);
  } else if (problem.outcome === "none" || isRead) {
    if (!problem.retryable) item.fail(refusal(item.what, item.last, problem));
  } else {
    item.unknown = UnknownOutcome.of(item.what, item.last, problem);
    if (!settings.retryUnknown || item.unknown.open) item.fail(item.unknown);
  }
}

function count({ metrics }: Context, items: readonly Item[], ms: number): void {
  let written = 0;
  for (const { op, result, near } of items) {
    if (result?.status === "written") written += 1;
    else if (near !== null) metrics.read(ms, near);
    else if (op.op === "get") metrics.readsFailed += 1;
    else if (result?.status === "failed" && result.error instanceof UnknownOutcome)
      metrics.writesUnknown += 1;
    else metrics.writesFailed += 1;
  }
  if (written > 0) metrics.wrote(ms, written);
}
