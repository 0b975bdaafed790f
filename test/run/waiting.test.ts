import { expect, test } from "vitest";
import type { Clock } from "../../src/lib/run/clock.js";
import type { RunEvent } from "../../src/lib/run/events.js";
import { failure } from "../../src/lib/run/failure.js";
import { NodeWait } from "../../src/lib/run/waiting.js";

/** A clock that only a test moves. */
class SlowClock implements Clock {
  #at = 0;
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  readonly now = () => this.#at;

  readonly sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      const sleeper = {
        until: this.#at + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", sleeper.wake);
      if (signal?.aborted) sleeper.wake();
    });

  async pass(ms: number): Promise<void> {
    for (const end = this.#at + ms; this.#at < end;) {
      this.#at += 1_000;
      for (const { until, wake } of this.#sleepers) if (until <= this.#at) wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const DEAD = failure("unreachable", "sz-1 gave no answer");

function wait() {
  const clock = new SlowClock();
  const events: RunEvent[] = [];
  const emit = (event: RunEvent) => void events.push(event);
  return { clock, events, wait: new NodeWait({ clock, emit }, "s7", "sz-1", 60_000) };
}

test("one failure is nothing to tell", async () => {
  const { clock, events, wait: node } = wait();
  node.failed(DEAD, 200);
  await clock.pass(30_000);
  node.answered();
  await node.end();
  expect(events).toEqual([]);
});

test("a node that stays away is told with the time left, every ten seconds, until it answers", async () => {
  const { clock, events, wait: node } = wait();
  node.failed(DEAD, 200);
  node.failed(DEAD, 400);
  for (let tries = 0; tries < 25; tries++) {
    node.failed(DEAD, 1_000);
    await clock.pass(1_000);
  }
  node.answered();
  await node.end();
  await clock.pass(30_000);
  const about = { step: "s7", node: "sz-1" };
  const message = "sz-1 does not answer";
  expect(events).toEqual([
    { type: "retry", ...about, error: DEAD, inMs: 400, leftMs: 60_000 },
    { type: "waiting", ...about, message, leftMs: 50_000 },
    { type: "waiting", ...about, message, leftMs: 40_000 },
    { type: "answered", ...about },
  ]);
});

test("one that was given up is told no more", async () => {
  const { clock, events, wait: node } = wait();
  node.failed(DEAD, 200);
  node.failed(DEAD, 400);
  await node.end();
  await clock.pass(30_000);
  expect(events.map(({ type }) => type)).toEqual(["retry"]);
});
