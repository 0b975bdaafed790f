import assert from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { differences } from "../../src/lib/plan/model/invariants.js";
import { applyStep } from "../../src/lib/plan/model/apply.js";
import { modelOf, type Model } from "../../src/lib/plan/model/state.js";
import { undoStep } from "../../src/lib/plan/model/undo.js";
import { type Step, isUserStep } from "../../src/lib/plan/any.js";
import type { ShardPlan, ShardStep } from "../../src/lib/plan/types.js";
import { agendaBack, agendaFinal, agendaForward, isReversible } from "../../src/lib/run/agenda.js";
import { FIRST_PREV, decodeJournal, encodeRecord } from "../../src/lib/run/journal/codec.js";
import { advance, replay } from "../../src/lib/run/journal/next-status.js";
import type { RecordBody } from "../../src/lib/run/journal/records.js";
import { openOps, type RunStatus } from "../../src/lib/run/journal/status.js";
import { topologyPairs } from "../plan/any-topology.js";
import { planBetween } from "../plan/cluster.js";

const SEED = Number(process.env["OPS_SEED"] ?? Math.floor(Math.random() * 1e9));
const RUNS = Number(process.env["OPS_RUNS"] ?? 300);

/** The process that does a run is gone; its journal and the cluster are left. */
class Killed extends Error {}

/** Does a plan on the model, journals it as a run does, and is killed after as many records as it is told. */
class Runner {
  readonly #plan: ShardPlan;
  readonly #any: () => number;
  readonly #lines: string[] = [];
  #prev = FIRST_PREV;
  #status: RunStatus | null = null;
  #left = 0;
  #model: Model;
  /** What a journal and the agents keep: of each step whose work was begun, the cluster before, and how much of it was done. */
  readonly #work = new Map<string, { was: Model; done: number }>();

  constructor(plan: ShardPlan, any: () => number) {
    this.#plan = plan;
    this.#any = any;
    this.#model = modelOf(plan.keyspaces, "before");
  }

  get model(): Model {
    return this.#model;
  }

  /** Whether it came to its end. Otherwise all that the process knew is gone, and the last line may be torn. */
  attempt(records: number, work: () => void): boolean {
    this.#left = records;
    try {
      this.#recover();
      work();
      return true;
    } catch (error) {
      if (error instanceof Killed) return false;
      throw error;
    }
  }

  forward(): void {
    const plan = this.#plan;
    if (this.#status === null) {
      const stages = plan.stages.map((stage) => ({
        id: stage.id,
        reversible: isReversible(stage),
        waves: stage.waves.map((wave) => wave.map(({ id }) => id)),
      }));
      this.#write({
        ...TAKEN,
        type: "run.start",
        run: "r-1",
        plan: plan.hash,
        lineage: "l",
        stages,
      });
    } else if (this.#status.activity !== "soaking") {
      this.#write({ type: "run.resume", ...TAKEN });
    }
    this.#do(agendaForward(plan, this.#status, null));
    if (this.#status!.activity === "running" && this.#status!.direction === "apply")
      this.#write({ type: "run.soaking", until: "2026-11-23T00:00:00.000Z" });
  }

  finalize(): void {
    if (this.#status!.activity === "soaking") this.#write({ type: "finalize.start", ...TAKEN });
    else this.#write({ type: "run.resume", ...TAKEN });
    this.#do(agendaFinal(this.#plan, this.#status!));
    this.#write({ type: "run.end", outcome: "finalized", why: null });
  }

  back(): void {
    if (this.#status === null) return;
    this.#write({ type: "rollback.start", to: null, ...TAKEN });
    for (const { waves } of agendaBack(this.#plan, this.#status, null)) {
      for (const wave of waves) {
        for (const step of shuffled(wave, this.#any)) {
          for (const { op } of openOps(this.#status, step.id)) this.#write(failed(op));
          this.#intend(step, true);
          this.#undo(step);
          for (const { op } of openOps(this.#status, step.id))
            this.#write({ type: "op.done", op, result: {} });
          this.#write({ type: "step.undone", step: step.id });
        }
      }
    }
    this.#write({ type: "run.end", outcome: "rolled-back", why: null });
  }

  #do(agenda: ReturnType<typeof agendaForward>): void {
    for (const { stage, waves } of agenda) {
      if (!this.#status!.entered.has(stage.id))
        this.#write({ type: "stage.enter", stage: stage.id });
      for (const wave of waves) {
        for (const step of shuffled(wave, this.#any)) {
          if (openOps(this.#status!, step.id).length === 0) this.#intend(step, false);
          this.#apply(step);
          for (const { op } of openOps(this.#status!, step.id))
            this.#write({ type: "op.done", op, result: {} });
          this.#write({ type: "step.done", step: step.id });
        }
      }
      this.#write({ type: "stage.done", stage: stage.id });
    }
  }

  #intend({ id: step }: Step, undo: boolean): void {
    const attempt = this.#status!.steps.get(step)?.ops.length ?? 0;
    const about = { node: "n", url: "u", request: {}, requestHash: "", inverse: null };
    this.#write({
      ...about,
      type: "op.intent",
      op: `${step}-${attempt}`,
      step,
      attempt,
      undo,
      preState: null,
    });
  }

  /** Segment by segment: a process may be killed, and the work be done all the same, between any two of them. */
  #apply(step: Step): void {
    assert(!isUserStep(step));
    const parts = partsOf(step);
    const work = this.#work.get(step.id) ?? { was: this.#model, done: 0 };
    this.#work.set(step.id, work);
    for (; work.done < parts.length; work.done += 1) {
      this.#maybeKilled();
      this.#model = applyStep(this.#model, parts[work.done]!);
    }
    this.#maybeKilled();
  }

  #undo(step: Step): void {
    assert(!isUserStep(step));
    const work = this.#work.get(step.id);
    if (work === undefined) return;
    const parts = partsOf(step);
    for (; work.done > 0; work.done -= 1) {
      this.#maybeKilled();
      this.#model = undoStep(this.#model, parts[work.done - 1]!, work.was);
    }
    this.#work.delete(step.id);
  }

  #write(body: RecordBody): void {
    this.#maybeKilled();
    const seq = this.#lines.length + 1;
    const { line, hash } = encodeRecord(body, seq, TIME, this.#prev);
    const record = { ...body, seq, time: TIME, prev: this.#prev };
    if (this.#status === null) this.#status = replay([record]);
    else advance(this.#status, record);
    this.#lines.push(line);
    this.#prev = hash;
  }

  #maybeKilled(): void {
    this.#left -= 1;
    if (this.#left < 0) throw new Killed();
  }

  /** From the bytes of the journal, of which the last line may be torn. */
  #recover(): void {
    const whole = this.#lines.map((line) => `${line}\n`).join("");
    const torn = this.#any() % 2 === 0 ? "" : '{"seq":7,"ti';
    const { records } = decodeJournal(Buffer.from(whole + torn), "test");
    if (records.length !== this.#lines.length) throw new Error("the journal lost a record");
    this.#status = replay(records);
  }
}

const TIME = "2026-11-22T00:00:00.000Z";
const TAKEN = { epochs: { "keyspace/profile": "1" }, actor: "alice", command: "c" };

function failed(op: string): RecordBody {
  const error = { code: "x", message: "m", outcome: "unknown", hint: null } as const;
  return { type: "op.failed", op, error };
}

/** What of a step may be done while the rest is not. */
function partsOf(step: ShardStep): ShardStep[] {
  return step.kind === "takeover" || step.kind === "repoint"
    ? step.segments.map((segment) => ({ ...step, segments: [segment] }))
    : [step];
}

function shuffled<T>(all: readonly T[], any: () => number): T[] {
  return all
    .map((value) => ({ value, order: any() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ value }) => value);
}

/** As a seed says (mulberry32 without the finish is random enough to shuffle with). */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}

test(
  "a run of any plan that is killed anywhere goes on from its journal, to its end or all the way back",
  { timeout: 600_000 },
  () => {
    process.stderr.write(`OPS_SEED=${SEED} OPS_RUNS=${RUNS}\n`);
    const ways = { forward: 0, back: 0, kills: 0 };
    const records = fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(topologyPairs, records, fc.nat(), (pair, limits, seed) => {
        const plan = planBetween(pair.before, pair.after);
        const any = numbers(seed);
        const runner = new Runner(plan, any);
        const toTheEnd = (work: () => void) => {
          const at = [...limits, Infinity].findIndex((limit) => runner.attempt(limit, work));
          ways.kills += at;
        };
        const goesBack = any() % 2 === 0;
        if (goesBack) {
          runner.attempt(limits[0]!, () => runner.forward());
          toTheEnd(() => runner.back());
        } else {
          toTheEnd(() => runner.forward());
          toTheEnd(() => runner.finalize());
        }
        ways[goesBack ? "back" : "forward"] += 1;
        const end = modelOf(plan.keyspaces, goesBack ? "before" : "after");
        expect(differences(runner.model, end)).toEqual([]);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    for (const [way, times] of Object.entries(ways))
      expect([way, times > RUNS / 10]).toEqual([way, true]);
  },
);
