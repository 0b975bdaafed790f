import type { machine } from "../../../src/lib/ownership/machine.js";
import { answerOfAbsent } from "../../../src/lib/ownership/permissions.js";
import { reached } from "../../../src/lib/ownership/position.js";
import type { NodeId, Request } from "../../../src/lib/ownership/types.js";
import { Interned } from "./explore.js";
import { feed, isWriter, ownSteps, type Local, type Mail, type Outcome } from "./node.js";
import type { Scope } from "./scope.js";
import { applied, parcels, type Parcel } from "./stream.js";

type Post = { readonly mail: Mail } | { readonly parcel: Parcel };

interface InFlight {
  readonly post: number;
  readonly to: NodeId;
}

/** A step of one node, with everything in it interned. */
export interface Step {
  readonly label: string;
  readonly kind: "fair" | "crash" | "operator";
  readonly local: number;
  readonly posts: readonly number[];
  readonly acknowledged: string;
  /** Whether it made a fence. */
  readonly fenced: boolean;
}

/** What is asked of a node's log in every world. */
export interface Fact {
  readonly writer: boolean;
  /** The numbers of its writes, one digit each. */
  readonly log: string;
  readonly twice: boolean;
  readonly falls: boolean;
}

/**
 * The steps of single nodes. A node does the same in the same state wherever the world stands, so each step runs the shipped
 * machine once and is remembered.
 */
export class Steps {
  readonly locals = new Interned<Local>();
  readonly #posts = new Interned<Post>();
  readonly #nets = new Interned<readonly number[]>();
  readonly emptyNet = this.#nets.number([]);
  readonly #own = new Map<number, readonly Step[]>();
  readonly #received = new Map<string, Step | null>();
  readonly #pulled = new Map<string, readonly Step[] | "diverged">();
  readonly #added = new Map<string, number>();
  readonly #facts: Fact[] = [];
  readonly #inFlight: (readonly InFlight[])[] = [];
  readonly #scope: Scope;
  readonly #machine: ReturnType<typeof machine>;

  constructor(scope: Scope, shipped: ReturnType<typeof machine>) {
    this.#scope = scope;
    this.#machine = shipped;
  }

  /** What the node can do by itself, whatever goes on elsewhere. */
  own(number: number): readonly Step[] {
    let steps = this.#own.get(number);
    if (!steps) {
      steps = ownSteps(this.#machine, this.#scope.contract, this.locals.value(number))
        .map(({ label, outcome, kind }) => this.compile(label, outcome, kind))
        .filter(
          (step) => step.local !== number || step.posts.length > 0 || step.acknowledged !== "",
        );
      this.#own.set(number, steps);
    }
    return steps;
  }

  /** Every message and late frame in the network, with the node it is for. */
  inFlight(net: number): readonly InFlight[] {
    let list = this.#inFlight[net];
    if (!list) {
      list = this.#nets.value(net).map((post) => {
        const value = this.#posts.value(post);
        return { post, to: "mail" in value ? value.mail.to : value.parcel.to };
      });
      this.#inFlight[net] = list;
    }
    return list;
  }

  /** What a message or late frame leads to; null for nothing. `fence` numbers the fence that it may make. */
  receive(number: number, post: number, fence: number): Step | null {
    const value = this.#posts.value(post);
    const makesFence = "mail" in value && value.mail.message.kind === "fence";
    const key = `${number},${post},${makesFence ? fence : 0}`;
    let step = this.#received.get(key);
    if (step === undefined) {
      step = this.#receive(this.locals.value(number), value, fence);
      if (step !== null && step.local === number && step.posts.length === 0) step = null;
      this.#received.set(key, step);
    }
    return step;
  }

  #receive(local: Local, post: Post, fence: number): Step | null {
    const { contract } = this.#scope;
    if ("parcel" in post) {
      const after = applied(contract, local, post.parcel);
      return after && this.step(`${local.id}: late frame, write ${post.parcel.entry.write}`, after);
    }
    const { from, message } = post.mail;
    const attempt = "attempt" in message ? ` ${message.attempt}` : "";
    const label = `${local.id}: receives ${message.kind}${attempt} from ${from}`;
    if (local.state === null) {
      if (!isRequest(message)) return null;
      const answer = { from: local.id, to: from, message: answerOfAbsent(message) };
      return this.compile(label, { local, sent: [answer], acknowledged: [] });
    }
    const token = contract.freshTokens ? `t${fence}` : `b${local.fences + 1}`;
    const event = { type: "message", from, message, token } as const;
    const outcome = feed(this.#machine, contract, local, event);
    const fenced = outcome.local.draining === token && local.draining !== token;
    return { ...this.compile(label, outcome), fenced };
  }

  /** What the stream of `other` brings next; with late frames, every frame that it may have sent. */
  pull(number: number, other: number): readonly Step[] | "diverged" {
    const key = `${number},${other}`;
    let steps = this.#pulled.get(key);
    if (steps === undefined) {
      steps = this.#pull(this.locals.value(number), this.locals.value(other));
      this.#pulled.set(key, steps);
    }
    return steps;
  }

  #pull(local: Local, source: Local): readonly Step[] | "diverged" {
    const { contract, lateFrames } = this.#scope;
    const sent = parcels(contract, local, source);
    if (sent === "diverged") return sent;
    const label = ({ entry }: Parcel) => `${source.id} -> ${local.id}: frame, write ${entry.write}`;
    if (lateFrames) {
      return sent.map((parcel) => ({
        ...this.step(label(parcel), local),
        posts: [this.#posts.number({ parcel })],
      }));
    }
    const [first] = sent;
    const after = first && applied(contract, local, first);
    return after ? [this.step(label(first), after)] : [];
  }

  /** A step that only changes the node. */
  step(label: string, local: Local): Step {
    return this.compile(label, { local, sent: [], acknowledged: [] });
  }

  compile(label: string, outcome: Outcome, kind: Step["kind"] = "fair"): Step {
    return {
      label,
      kind,
      local: this.locals.number(outcome.local),
      posts: outcome.sent.map((mail) => this.#posts.number({ mail })),
      acknowledged: outcome.acknowledged.join(""),
      fenced: false,
    };
  }

  /** The network once these are in it: they stay, and so may come late, again, or never. */
  posted(net: number, posts: readonly number[]): number {
    let now = net;
    for (const post of posts) {
      const key = `${now},${post}`;
      let added = this.#added.get(key);
      if (added === undefined) {
        const value = this.#nets.value(now);
        added = value.includes(post)
          ? now
          : this.#nets.number([...value, post].sort((a, b) => a - b));
        this.#added.set(key, added);
      }
      now = added;
    }
    return now;
  }

  fact(number: number): Fact {
    let fact = this.#facts[number];
    if (!fact) {
      const local = this.locals.value(number);
      const writes = local.log.map((entry) => entry.write);
      fact = {
        writer: isWriter(local),
        log: writes.join(""),
        twice: new Set(writes).size < writes.length,
        falls: local.log.some((entry, k) => k > 0 && reached(local.log[k - 1]!, entry)),
      };
      this.#facts[number] = fact;
    }
    return fact;
  }
}

function isRequest(message: Mail["message"]): message is Request {
  return message.kind === "fence" || message.kind === "handover" || message.kind === "resolve";
}
