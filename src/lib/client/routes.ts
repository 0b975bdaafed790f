import { setTimeout as sleep } from "node:timers/promises";
import { MAX_WAIT_MS } from "../agent/protocol/headers.js";
import type { Position } from "../keyspace/segment.js";
import { lookup } from "../routing/lookup.js";
import type { RouteSegment, RouteTable } from "../routing/table.js";
import { routesAnswer } from "../routing/wire.js";
import { ClientError } from "./errors.js";
import { Hints, type Writer } from "./hints.js";
import { problemOf, type Transport } from "./transport.js";
import { EXIT } from "../errors.js";

/** For an agent to answer, beyond the wait that it was asked for. */
const ANSWER_MS = 3_000;
const RETRY_MS = { first: 100, longest: 2_000 };
/** After a redirect an agent is asked for newer tables at most this often. */
const NUDGE_MS = 250;

/** One keyspace as this client knows it now. */
export interface Known {
  readonly table: RouteTable;
  readonly hints: Hints;
}

/** The route tables, kept up to date by a long-poll to one agent after the other. */
export class Routes {
  readonly #bootstrap: readonly string[];
  readonly #transport: Transport;
  readonly #known = new Map<string, Known>();
  readonly #closing = new AbortController();
  #nudgedAt = -Infinity;
  #asking: Promise<string[]> | null = null;

  constructor(agents: readonly string[], transport: Transport) {
    this.#bootstrap = agents;
    this.#transport = transport;
    void this.#follow();
  }

  /** The table of a keyspace. Asks every agent when there is none yet; throws ClientError `no-route`, `unreachable`, `closed`. */
  async of(keyspace: string): Promise<Known> {
    const known = await this.#find(keyspace);
    if (!known.table.withdrawn) return known;
    throw new ClientError("no-route", `keyspace ${keyspace} is no more: its routes are withdrawn`);
  }

  async #find(keyspace: string): Promise<Known> {
    const known = this.#known.get(keyspace);
    if (known) return known;
    const failures = await this.#askAll();
    if (this.#closing.signal.aborted) throw new ClientError("closed", "the client is closed");
    const found = this.#known.get(keyspace);
    if (found) return found;
    if (failures.length > 0) {
      throw new ClientError(
        "unreachable",
        `no routes of keyspace ${keyspace}: ${failures.join("; ")}`,
        EXIT.unreachable,
      );
    }
    throw new ClientError("no-route", `no agent has routes of keyspace ${keyspace}`);
  }

  versions(): Record<string, number> {
    return Object.fromEntries(
      [...this.#known].map(([keyspace, { table }]) => [keyspace, table.version]),
    );
  }

  /** Asks an agent that knew better for its tables, in the background. */
  nudge(url: string): void {
    if (performance.now() - this.#nudgedAt < NUDGE_MS) return;
    this.#nudgedAt = performance.now();
    void this.#ask(url, null).catch(() => undefined);
  }

  close(): void {
    this.#closing.abort();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    for (let turn = 0, failures = 0, etag: string | null = null; !signal.aborted;) {
      const agents = this.#agents();
      try {
        etag = await this.#ask(agents[turn % agents.length]!, etag);
        failures = 0;
      } catch {
        turn += 1;
        failures += 1;
        etag = null;
        // The first round goes through all agents at once: one dead bootstrap agent must not delay the start.
        const rounds = Math.floor(failures / agents.length);
        const ms =
          rounds === 0 ? 0 : Math.min(RETRY_MS.longest, RETRY_MS.first * 2 ** Math.min(rounds, 8));
        await sleep(ms * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** One answer of one agent. Returns its etag. */
  async #ask(url: string, after: string | null): Promise<string> {
    const poll = after === null ? "" : `?wait=${MAX_WAIT_MS}ms&after=${encodeURIComponent(after)}`;
    const reply = await this.#transport.send({
      url,
      method: "GET",
      path: `/v1/routes${poll}`,
      headers: {},
      body: null,
      timeoutMs: ANSWER_MS + (after === null ? 0 : MAX_WAIT_MS),
    });
    const text = reply.body.toString("utf8");
    if (reply.status !== 200)
      throw new Error(`${url}: ${problemOf(reply.status, text).detail ?? reply.status}`);
    const answer = routesAnswer.parse(JSON.parse(text));
    for (const table of answer.tables) this.#take(table);
    return answer.etag;
  }

  /** One agent may be behind another: a table only ever gives way to a newer one. */
  #take(table: RouteTable): void {
    const known = this.#known.get(table.keyspace);
    if (known && known.table.version >= table.version) return;
    const hints = known?.hints ?? new Hints();
    hints.outdate(table);
    this.#known.set(table.keyspace, { table, hints });
  }

  /** Every agent once; several callers share one round. Returns what went wrong, a line for each agent. */
  #askAll(): Promise<string[]> {
    this.#asking ??= Promise.allSettled(this.#agents().map((url) => this.#ask(url, null)))
      .then((answers) =>
        answers.flatMap((answer) =>
          answer.status === "rejected" ? [messageOf(answer.reason)] : [],
        ),
      )
      .finally(() => (this.#asking = null));
    return this.#asking;
  }

  #agents(): string[] {
    const told = [...this.#known.values()].flatMap(({ table }) =>
      Object.values(table.nodes).map(({ url }) => url),
    );
    return [...new Set([...this.#bootstrap, ...told])];
  }
}

/** The segment of a position. Throws ClientError `no-route` outside of the domain. */
export function segmentAt({ table }: Known, position: Position): RouteSegment {
  const segment = lookup(table, position);
  if (segment) return segment;
  const { lo, hi } = table.domain;
  throw new ClientError(
    "no-route",
    `position ${position} is outside of keyspace ${table.keyspace}, [${lo}, ${hi})`,
  );
}

/** Who takes the writes of a position now, as far as this client knows. */
export function writerAt(known: Known, position: Position): Writer {
  const segment = segmentAt(known, position);
  const hint = known.hints.at(position);
  return hint ?? { url: known.table.nodes[segment.writer]!.url, generation: segment.generation };
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
