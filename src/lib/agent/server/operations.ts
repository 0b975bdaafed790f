import type { Engine, Txn } from "../../engines/contract.js";
import type { Authority } from "../protocol/headers.js";
import { encodeJson } from "../protocol/json.js";
import {
  isEnded,
  type Operation,
  type OperationRequest,
  type Progress,
} from "../protocol/operation.js";
import { ProblemError } from "../protocol/problem.js";
import { EndedOperations } from "./ended-operations.js";
import { operationErrorOf } from "./operation-error.js";

const TABLE = "operations";
/** What an operation reports about itself is told at most this often. */
const TELL_EVERY_MS = 1_000;

/** What a running operation may do about itself. */
export interface Task {
  readonly id: string;
  /** Aborted when it is cancelled or the agent stops. */
  readonly signal: AbortSignal;
  readonly report: (phase: string, progress?: Progress) => void;
}

/** Runs one kind. Resolves with the result; throws `ProblemError` for a failure that it can explain. Idempotent. */
export type Perform = (request: OperationRequest, task: Task) => Promise<Record<string, unknown>>;

interface Live {
  operation: Operation;
  readonly abort: AbortController;
  /** Asked to end by its owner, not by the stop of the agent. */
  cancelled: boolean;
  readonly waiting: Set<() => void>;
  /** Reported, and not told yet. */
  reported: Pick<Operation, "phase" | "progress"> | null;
  /** Until it fires nothing that is reported is told. */
  quiet: NodeJS.Timeout | null;
}

/** The operations of this node: stored before they begin and when they end, watched while they run. */
export class Operations {
  readonly #engine: Engine;
  readonly #perform: Perform;
  readonly #live = new Map<string, Live>();
  readonly #running = new Set<Promise<void>>();
  readonly #ended: EndedOperations;
  #stopping = false;

  constructor(engine: Engine, perform: Perform, ended = new EndedOperations()) {
    this.#engine = engine;
    this.#perform = perform;
    this.#ended = ended;
  }

  /** Marks what an earlier process left running. Call it once, before the first request. */
  async recover(now: string): Promise<void> {
    const stored = this.#engine
      .documents<Operation>(TABLE)
      .map(({ value }) => value)
      .toSorted((a, b) => a.updatedAt.localeCompare(b.updatedAt));
    const left = stored.filter(({ state }) => !isEnded(state));
    for (const one of stored) if (isEnded(one.state)) this.#ended.add(one);
    for (const one of left) this.#ended.add(one);
    const forgotten = this.#ended.forget();
    await this.#engine.write((txn) => {
      for (const operation of left) {
        const { id, rev } = operation;
        const interrupted = { ...operation, state: "interrupted", rev: rev + 1, updatedAt: now };
        txn.putDocument(TABLE, id, interrupted);
      }
      for (const id of forgotten) txn.deleteDocument(TABLE, id);
    });
  }

  get(id: string): Operation {
    const known = this.#live.get(id)?.operation ?? this.#engine.document<Operation>(TABLE, id);
    if (known === null)
      throw new ProblemError(404, "no-operation", `this node knows no operation ${id}`);
    return known;
  }

  /** What runs, and the last that ended. */
  all(): Operation[] {
    const stored = this.#engine.documents<Operation>(TABLE).map(({ value }) => value);
    return stored.map((one) => this.#live.get(one.id)?.operation ?? one);
  }

  /**
   * Stores the operation, then begins it. `admit` throws, in the transaction that stores it, when it may not begin. A replay gets
   * the stored one; an interrupted one begins again.
   */
  async put(
    id: string,
    request: OperationRequest,
    authority: Authority,
    admit: (txn: Txn) => void,
  ): Promise<Operation> {
    const payload = JSON.parse(encodeJson(request)) as Record<string, unknown>;
    const known = this.#live.get(id)?.operation ?? this.#engine.document<Operation>(TABLE, id);
    if (known !== null && encodeJson(known.request) !== encodeJson(payload)) {
      throw new ProblemError(
        422,
        "id-reused",
        `operation ${id} was put before with another request`,
      );
    }
    if (known !== null && known.state !== "interrupted") return known;
    const now = new Date().toISOString();
    const live: Live = {
      operation: {
        id,
        kind: request.kind,
        request: payload,
        state: "pending",
        rev: (known?.rev ?? 0) + 1,
        ...authority,
        phase: "accepted",
        progress: null,
        result: null,
        error: null,
        createdAt: known?.createdAt ?? now,
        updatedAt: now,
      },
      abort: new AbortController(),
      cancelled: false,
      waiting: new Set(),
      reported: null,
      quiet: null,
    };
    this.#live.set(id, live);
    if (known !== null) this.#ended.delete(id);
    try {
      await this.#engine.write((txn) => {
        admit(txn);
        txn.putDocument(TABLE, id, live.operation);
      });
    } catch (error) {
      this.#live.delete(id);
      if (known !== null) this.#ended.add(known);
      throw error;
    }
    const run = this.#run(live, request);
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
    return live.operation;
  }

  /** Throws `busy` while one has not ended. */
  assertIdle(): void {
    const [live] = this.#live.values();
    if (live === undefined) return;
    const { id, kind, lineage } = live.operation;
    throw new ProblemError(
      409,
      "busy",
      `the operation ${kind} (${id}) of the control plane ${lineage} has not ended`,
      { retryable: true, hint: "Wait for its end, or restart the agent, which interrupts it." },
    );
  }

  /** Asks it to end. What it has done stays. */
  cancel(id: string, scope: string): Operation {
    const operation = this.get(id);
    if (operation.scope !== scope) {
      throw new ProblemError(
        400,
        "bad-request",
        `operation ${id} is of the scope ${operation.scope}`,
      );
    }
    const live = this.#live.get(id);
    if (live !== undefined) {
      live.cancelled = true;
      live.abort.abort();
    }
    return operation;
  }

  /** The operation once its revision is above `after`, or as it is after `ms`. */
  async wait(id: string, after: number, ms: number, signal: AbortSignal): Promise<Operation> {
    const operation = this.get(id);
    const live = this.#live.get(id);
    if (live === undefined || operation.rev > after || ms <= 0) return operation;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        live.waiting.delete(end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      live.waiting.add(end);
      signal.addEventListener("abort", end);
    });
    return this.get(id);
  }

  /** Has what runs end without an outcome: it is `interrupted` after the next start. */
  interrupt(): void {
    this.#stopping = true;
    for (const live of this.#live.values()) live.abort.abort();
  }

  /** Interrupts what runs, and waits for it. */
  async close(): Promise<void> {
    this.interrupt();
    await Promise.allSettled(this.#running);
  }

  async #run(live: Live, request: OperationRequest): Promise<void> {
    this.#change(live, { state: "running" });
    const task: Task = {
      id: live.operation.id,
      signal: live.abort.signal,
      report: (phase, progress) => {
        const told = live.reported ?? live.operation;
        live.reported = { phase, progress: progress ?? told.progress };
        if (live.quiet === null) this.#tell(live);
      },
    };
    let end: Partial<Operation>;
    try {
      const result = await this.#perform(request, task);
      end = {
        state: "succeeded",
        result: JSON.parse(encodeJson(result)) as Record<string, unknown>,
      };
    } catch (error) {
      if (this.#stopping) return;
      end = live.cancelled
        ? { state: "cancelled" }
        : { state: "failed", error: operationErrorOf(error, request) };
    } finally {
      if (live.quiet !== null) clearTimeout(live.quiet);
    }
    const ended = {
      ...live.operation,
      ...live.reported,
      ...end,
      rev: live.operation.rev + 1,
      updatedAt: new Date().toISOString(),
    };
    this.#ended.add(ended);
    const forgotten = this.#ended.forget();
    try {
      await this.#engine.write((txn) => {
        txn.putDocument(TABLE, ended.id, ended);
        for (const id of forgotten) txn.deleteDocument(TABLE, id);
      });
    } catch {
      // The engine has failed: the process is about to end, and the operation will be `interrupted`.
      return;
    }
    live.operation = ended;
    this.#live.delete(ended.id);
    for (const wake of live.waiting) wake();
  }

  /** Tells what was reported last, and then nothing for a while. */
  #tell(live: Live): void {
    const { reported } = live;
    live.reported = null;
    live.quiet = null;
    if (reported === null) return;
    live.quiet = setTimeout(() => this.#tell(live), TELL_EVERY_MS);
    this.#change(live, reported);
  }

  #change(live: Live, fields: Partial<Operation>): void {
    const { rev } = live.operation;
    live.operation = {
      ...live.operation,
      ...fields,
      rev: rev + 1,
      updatedAt: new Date().toISOString(),
    };
    for (const wake of live.waiting) wake();
  }
}
