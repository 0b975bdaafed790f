import { AgentProblem } from "../../../agent/client/problem.js";
import type { SessionsAnswer } from "../../../agent/protocol/gateway.js";
import { durationText } from "../../../figures.js";
import type { Receiver } from "../../../plan/users/types.js";
import type { Counted, Counts } from "../../../schedule/change/gates.js";
import type { UserContext } from "../../context.js";

/** So long a look waits for those who do not answer at once. */
const ANSWER_MS = 500;
/** A receiver that does not answer for so long while users come is not well. */
const SILENT_MS = 5_000;

/** Asks every gateway by itself, and again when it has answered: one that hangs keeps nobody from looking at the others. */
export class ReceiverLooks {
  readonly #context: UserContext;
  readonly #receivers: readonly Receiver[];
  readonly #asked = new Map<string, Promise<void>>();
  readonly #counts = new Map<string, Counted>();
  /** When each last answered; at first, when the looks began. */
  readonly #heard: Map<string, number>;
  #bug: Error | null = null;

  constructor(context: UserContext, receivers: readonly Receiver[]) {
    this.#context = context;
    this.#receivers = receivers;
    const now = context.clock.now();
    this.#heard = new Map(receivers.flatMap(({ nodes }) => nodes.map((node) => [node, now])));
  }

  /** Of those that have answered since the look before. */
  async look(): Promise<Counts> {
    const { clock, stop } = this.#context;
    for (const node of this.#heard.keys())
      if (!this.#asked.has(node)) this.#asked.set(node, this.#ask(node));
    const over = new AbortController();
    await Promise.race([
      Promise.all(this.#asked.values()),
      clock.sleep(ANSWER_MS, AbortSignal.any([stop.stopping, over.signal])),
    ]);
    over.abort();
    if (this.#bug !== null) throw this.#bug;
    const counts = new Map(this.#counts);
    this.#counts.clear();
    return counts;
  }

  /** The gateways that have not answered for too long. */
  silent(): string[] {
    const now = this.#context.clock.now();
    return this.#receivers.flatMap(({ site, nodes }) =>
      nodes.flatMap((node) => {
        const ms = now - this.#heard.get(node)!;
        return ms < SILENT_MS
          ? []
          : [`${node} of ${site} has not answered for ${durationText(ms)}`];
      }),
    );
  }

  async #ask(node: string): Promise<void> {
    const { agents, clock } = this.#context;
    try {
      this.#counts.set(node, countsOf(await agents.of(node).sessions()));
      this.#heard.set(node, clock.now());
    } catch (error) {
      if (!(error instanceof AgentProblem)) this.#bug = error as Error;
    } finally {
      this.#asked.delete(node);
    }
  }
}

export function countsOf({
  sessions,
  logins: { total, refused },
  p99LateMs,
}: SessionsAnswer): Counted {
  return { online: sessions, logins: total, refused, lateMs: p99LateMs };
}
