import { machine } from "../../../src/lib/ownership/machine.js";
import {
  following,
  mayDiscard,
  mayDrop,
  mayRepoint,
  reignAbove,
  reigning,
} from "../../../src/lib/ownership/permissions.js";
import { knownGeneration, reached } from "../../../src/lib/ownership/position.js";
import type { Event } from "../../../src/lib/ownership/types.js";
import { Interned, type Model, type World } from "./explore.js";
import { boot, cursor, feed, type Local, withoutEntry } from "./node.js";
import { SCOPE, type Scope } from "./scope.js";
import { Steps, type Step } from "./steps.js";

/**
 * The shipped machine on two or three nodes, under an agent and an engine that keep the contract, a network that delivers every
 * message at any time, any number of times or never (a set that only grows), and an operator who does not look.
 *
 * World: the nodes' states, the network, the acknowledged writes, then counters: writes, takeovers, crashes, changes, fences,
 * discards, writes before the last of these, and the highest generation at which each node has reigned since, four bits a node.
 */
export class Takeover implements Model {
  readonly initial: World;
  readonly #scope: Scope;
  readonly #machine: ReturnType<typeof machine>;
  readonly #steps: Steps;
  readonly #acks = new Interned<string>();
  readonly #live = new Map<string, boolean>();

  constructor(scope: Partial<Scope> = {}) {
    this.#scope = { ...SCOPE, ...scope };
    this.#machine = machine(this.#scope.rules);
    this.#steps = new Steps(this.#scope, this.#machine);
    const [first] = this.#scope.nodes;
    const locals = this.#scope.nodes.map((id) =>
      this.#steps.locals.number(boot(id, id === first ? reigning(1n) : following(first!))),
    );
    this.initial = [...locals, this.#steps.emptyNet, this.#acks.number(""), 0, 0, 0, 0, 0, 0, 0, 1];
  }

  successors(world: World, emit: (label: string, world: World, violation?: string) => void): void {
    const { nodes, writes, takeovers, crashes, changes } = this.#scope;
    const n = nodes.length;
    const [net, , wrote, took, crashed, changed, fences] = world.slice(n) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const take = (i: number, step: Step, counters: Partial<Record<Counter, number>> = {}) =>
      emit(step.label, this.#after(world, i, step, counters));

    for (let i = 0; i < n; i++) {
      const number = world[i]!;
      const local = this.#steps.locals.value(number);
      const { state } = local;

      for (const step of this.#steps.own(number)) {
        if (step.kind !== "crash") take(i, step);
        else if (crashed < crashes) take(i, step, { crashed: crashed + 1 });
      }
      for (let j = 0; j < n; j++) {
        const steps = j === i ? [] : this.#steps.pull(number, world[j]!);
        if (steps === "diverged") emit(`${local.id}: diverged`, world, "DIVERGED TAIL");
        else for (const step of steps) take(i, step);
      }
      if (state === null) {
        if (changed < changes && this.#scope.drops) {
          for (let j = 0; j < n; j++) {
            if (j !== i)
              this.#attach(world, i, j, (step) => take(i, step, { changed: changed + 1 }));
          }
        }
        continue;
      }
      if (this.#steps.fact(number).writer && local.admitted === null && wrote < writes) {
        const admitted = { write: wrote + 1, generation: state.durable.generation };
        const step = this.#steps.step(`${local.id}: admit write ${wrote + 1}`, {
          ...local,
          admitted,
        });
        take(i, step, { wrote: wrote + 1 });
      }
      if (took < takeovers && state.durable.role === "follower" && state.phase.kind === "idle") {
        const newest = BigInt(Math.max(...nodes.map((_, j) => reignOf(world, n, j))));
        const known = knownGeneration(state.durable, cursor(local));
        // One that has deleted a later reign than others know of skips some.
        const skipping = this.#scope.discards > 0 ? [newest + 2n] : [];
        for (const asked of new Set([newest + 1n, known + 1n, ...skipping])) {
          const next = reignAbove(local.deleted, asked);
          const attempt = `a${took + 1}`;
          const event: Event = { type: "takeover", attempt, next, budgetMs: 1, giveUpMs: 1 };
          const label = `operator asks ${local.id} to take over as ${attempt} at generation ${next}`;
          take(
            i,
            this.#steps.compile(label, feed(this.#machine, this.#scope.contract, local, event)),
            {
              took: took + 1,
            },
          );
        }
      }
      if (changed < changes) {
        for (const source of nodes) {
          if (source === local.id || !mayRepoint(state) || n < 3) continue;
          const outcome = feed(this.#machine, this.#scope.contract, local, {
            type: "repoint",
            source,
          });
          const label = `operator points ${local.id} at ${source}`;
          if (outcome.local.writing)
            take(i, this.#steps.compile(label, outcome), { changed: changed + 1 });
        }
        if (this.#scope.drops && this.#mayDrop(world, i, local)) {
          const bare = withoutEntry(this.#scope.contract, local);
          take(i, this.#steps.step(`operator drops ${local.id}`, bare), { changed: changed + 1 });
        }
      }
    }
    for (const { post, to } of this.#steps.inFlight(net)) {
      const i = nodes.indexOf(to);
      const step = this.#steps.receive(world[i]!, post, fences + 1);
      if (step) take(i, step, step.fenced ? { fences: fences + 1 } : {});
    }
    this.#discardAll(world, emit);
  }

  /** All that is held is deleted everywhere, and made anew, empty, on one node. What is in flight stays there. */
  #discardAll(world: World, emit: (label: string, world: World) => void): void {
    const { nodes, discards, contract } = this.#scope;
    const n = nodes.length;
    const at = (counter: Counter) => n + 2 + COUNTERS.indexOf(counter);
    if (world[at("discarded")]! >= discards) return;
    const bare: Local[] = [];
    for (const number of world.slice(0, n)) {
      const local = this.#steps.locals.value(number);
      const { state } = local;
      if (state !== null && !mayDiscard(state, state.durable.generation)) return;
      bare.push(withoutEntry(contract, local));
    }
    for (const [i, { id, deleted, admitted, links }] of bare.entries()) {
      const generation = reignAbove(deleted, 1n);
      const anew = { ...boot(id, reigning(generation)), deleted, admitted, links: links + 1 };
      const after = [...world];
      for (const [j, local] of bare.entries())
        after[j] = this.#steps.locals.number(i === j ? anew : local);
      after[n + 1] = this.#acks.number("");
      after[at("discarded")] = world[at("discarded")]! + 1;
      after[at("earlier")] = world[at("wrote")]!;
      after[n + 2 + COUNTERS.length] = Number(generation) << (4 * i);
      emit(`operator discards everything and makes it anew on ${id}`, after);
    }
  }

  violation(world: World): string | null {
    const n = this.#scope.nodes.length;
    const acknowledged = this.#acks.value(world[n + 1]!);
    let writers = 0;
    for (let i = 0; i < n; i++) {
      const fact = this.#steps.fact(world[i]!);
      if (!fact.writer) continue;
      writers++;
      if (!fact.log.startsWith(acknowledged)) return "LOST ACKNOWLEDGED WRITE";
      if (fact.twice) return "ENTRY TWICE";
      if (fact.falls) return "POSITIONS FALL";
      const earlier = world[n + 2 + COUNTERS.indexOf("earlier")]!;
      if (fact.log.split("").some((write) => Number(write) <= earlier))
        return "WRITE TO WHAT WAS DISCARDED";
    }
    if (writers > 1) return "TWO WRITERS";
    if (this.#scope.successorHolds) {
      for (let i = 0; i < n; i++) {
        const handed = this.#steps.locals.value(world[i]!).disk?.handed;
        if (!handed) continue;
        const j = this.#scope.nodes.indexOf(handed.to);
        const successor = this.#steps.locals.value(world[j]!);
        if (BigInt(reignOf(world, n, j)) >= handed.generation) continue;
        if (!reached(cursor(successor, successor.flushed), handed.position)) {
          return "HANDED TO A NODE WITHOUT THE DATA";
        }
      }
    }
    if (writers > 0 || !this.#scope.staysWritable) return null;
    return this.#canHeal(world.slice(0, n)) ? null : "UNWRITABLE FOR EVER";
  }

  /**
   * Whether, with every message in flight lost and no more crashes, operators or writes, somebody can come to reign. That holds
   * in every state that is reached on the way too, so under any fair schedule somebody will.
   */
  #canHeal(locals: readonly number[]): boolean {
    const key = locals.join();
    const known = this.#live.get(key);
    if (known !== undefined) return known;
    const n = locals.length;
    const seen = new Set<string>();
    const queue: World[] = [[...locals, this.#steps.emptyNet]];
    const search = (): boolean => {
      for (let world = queue.pop(); world; world = queue.pop()) {
        for (const [i, step] of this.#fairSteps(world)) {
          if (this.#steps.fact(step.local).writer) return true;
          const after = [...world];
          after[i] = step.local;
          after[n] = this.#steps.posted(world[n]!, step.posts);
          const id = after.join();
          if (!seen.has(id)) queue.push(after);
          seen.add(id);
        }
      }
      return false;
    };
    const healed = search();
    this.#live.set(key, healed);
    return healed;
  }

  /** What happens if nothing goes wrong and nobody interferes. */
  *#fairSteps(world: World): Generator<[number, Step]> {
    const { nodes } = this.#scope;
    for (let i = 0; i < nodes.length; i++) {
      for (const step of this.#steps.own(world[i]!)) if (step.kind === "fair") yield [i, step];
      for (let j = 0; j < nodes.length; j++) {
        const steps = j === i ? [] : this.#steps.pull(world[i]!, world[j]!);
        if (steps !== "diverged") for (const step of steps) yield [i, step];
      }
    }
    for (const { post, to } of this.#steps.inFlight(world[nodes.length]!)) {
      const i = nodes.indexOf(to);
      const step = this.#steps.receive(world[i]!, post, 99);
      if (step) yield [i, step];
    }
  }

  #mayDrop(world: World, i: number, local: Local): boolean {
    const { state } = local;
    const { nodes, contract } = this.#scope;
    if (!contract.asksBeforeDrop)
      return state!.durable.role === "follower" && state!.phase.kind === "idle";
    // The answer may be as old as it likes.
    return nodes.some((node, j) => {
      const generation = BigInt(reignOf(world, nodes.length, j));
      return j !== i && generation > 0n && mayDrop(state!, { node, generation });
    });
  }

  /** A finished copy of what the source has flushed, as if copying took no time. */
  #attach(world: World, i: number, j: number, take: (step: Step) => void): void {
    const { nodes } = this.#scope;
    const source = this.#steps.locals.value(world[j]!);
    if (source.state === null) return;
    const old = this.#steps.locals.value(world[i]!);
    const log = source.log.slice(0, source.flushed);
    const fresh = {
      ...boot(nodes[i]!, following(nodes[j]!)),
      log,
      flushed: log.length,
      links: old.links + 1,
      deleted: old.deleted,
      admitted: old.admitted,
    };
    take(this.#steps.step(`operator attaches ${old.id} to ${source.id}`, fresh));
  }

  #after(world: World, i: number, step: Step, counters: Partial<Record<Counter, number>>): World {
    const n = this.#scope.nodes.length;
    const after = [...world];
    after[i] = step.local;
    after[n] = this.#steps.posted(world[n]!, step.posts);
    if (step.acknowledged) {
      after[n + 1] = this.#acks.number(this.#acks.value(world[n + 1]!) + step.acknowledged);
    }
    for (const [name, value] of Object.entries(counters)) {
      after[n + 2 + COUNTERS.indexOf(name as Counter)] = value;
    }
    const { writer } = this.#steps.fact(step.local);
    if (writer) {
      const { state } = this.#steps.locals.value(step.local);
      const at = n + 2 + COUNTERS.length;
      after[at] = (after[at]! & ~(15 << (4 * i))) | (Number(state!.durable.generation) << (4 * i));
    }
    return after;
  }
}

const COUNTERS = ["wrote", "took", "crashed", "changed", "fences", "discarded", "earlier"] as const;
type Counter = (typeof COUNTERS)[number];

function reignOf(world: World, n: number, j: number): number {
  return (world[n + 2 + COUNTERS.length]! >> (4 * j)) & 15;
}
