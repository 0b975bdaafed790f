import { EventEmitter, getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { untilClosed } from "../../src/lib/agent/server/http/until-closed.js";

test("a request that has ended leaves nothing behind at the signal of the agent", () => {
  const stopping = new AbortController();
  for (let i = 0; i < 100; i += 1) {
    const request = new EventEmitter();
    const { signal } = untilClosed(request, stopping.signal);
    expect(signal.aborted).toBe(false);
    request.emit("close");
    expect(signal.aborted).toBe(true);
  }
  expect(getEventListeners(stopping.signal, "abort")).toHaveLength(0);
});

test("a request that waits is told when the agent stops", () => {
  const stopping = new AbortController();
  const { signal } = untilClosed(new EventEmitter(), stopping.signal);
  stopping.abort();
  expect(signal.aborted).toBe(true);
  expect(untilClosed(new EventEmitter(), stopping.signal).signal.aborted).toBe(true);
});
