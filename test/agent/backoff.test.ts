import { expect, test } from "vitest";
import { Backoff } from "../../src/lib/agent/server/backoff.js";

test("waits double up to the longest, and begin anew after a success", () => {
  const backoff = new Backoff({ first: 50, most: 150 });
  expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([
    50, 100, 150, 150,
  ]);
  backoff.reset();
  expect(backoff.next()).toBe(50);
});
