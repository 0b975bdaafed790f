import fc from "fast-check";
import { expect, test } from "vitest";
import { LoginThrottle } from "../../../src/lib/access/gateway/login-throttle.js";
import { mostInASecond } from "../../support/most-in-a-second.js";

interface Visit {
  readonly at: number;
  readonly uid: bigint;
  readonly tries: number;
}

/** Users who come, and come again when they are told to, up to `lateMs` later; a share of them does not come again. */
function crowd(options: {
  readonly perSecond: number;
  readonly arrivals: readonly number[];
  readonly lateMs: number;
  /** The gateway looks at what has come once in so long. */
  readonly stallMs?: number;
  readonly givesUp: (uid: bigint) => boolean;
}) {
  const { perSecond, arrivals, lateMs, stallMs = 5, givesUp } = options;
  const throttle = new LoginThrottle(perSecond, -1_000);
  let visits: Visit[] = arrivals.map((at, i) => ({ at, uid: BigInt(i), tries: 1 }));
  const admitted: number[] = [];
  let tries = 0;
  while (visits.length > 0) {
    const next: Visit[] = [];
    const now = (Math.floor(Math.min(...visits.map(({ at }) => at)) / stallMs) + 1) * stallMs;
    const due = visits.filter(({ at }) => at < now).toSorted((a, b) => a.at - b.at);
    for (const visit of due) {
      const answer = throttle.ask(visit.uid, now);
      tries = Math.max(tries, visit.tries);
      if (answer.admitted) admitted.push(now);
      else if (!givesUp(visit.uid)) {
        const late = Number((visit.uid * 7_919n) % 1_000n) / 1_000;
        const at = now + answer.retryAfterMs + late * lateMs;
        next.push({ ...visit, at, tries: visit.tries + 1 });
      }
    }
    visits = [...visits.filter(({ at }) => at >= now), ...next];
  }
  return { admitted: admitted.toSorted((a, b) => a - b), tries };
}

test("of users who all come at once each is put off about once, and the last one is in when the rate allows it", () => {
  const arrivals = Array.from({ length: 3_000 }, () => 0);
  const { admitted, tries } = crowd({
    perSecond: 500,
    arrivals,
    lateMs: 30,
    givesUp: () => false,
  });
  expect(admitted).toHaveLength(3_000);
  expect(mostInASecond(admitted)).toBeLessThanOrEqual(500);
  expect(admitted.at(-1)! / (3_000 / 500) / 1_000).toBeLessThan(1.05);
  expect(tries).toBeLessThanOrEqual(3);
});

test("an overloaded gateway with slow clients loses little of its rate", () => {
  const arrivals = Array.from({ length: 3_000 }, (_, i) => i);
  const options = { perSecond: 1_000, arrivals, lateMs: 5_000, givesUp: () => false };
  const { admitted } = crowd({ ...options, stallMs: 400 });
  expect(mostInASecond(admitted)).toBeLessThanOrEqual(1_000);
  // The last ones are late by five seconds of their own.
  expect(admitted.at(-1)!).toBeLessThan(3_000 + 5_000 + 2_000);
});

test("turns that nobody comes for go to newcomers", () => {
  const burst = Array.from({ length: 1_000 }, () => 0);
  // Who is refused at first never comes back; then as many as the rate allows come one by one.
  const steady = Array.from({ length: 900 }, (_, i) => 1_000 + i * 5);
  const { admitted } = crowd({
    perSecond: 200,
    arrivals: [...burst, ...steady],
    lateMs: 20,
    givesUp: (uid) => uid < 1_000n,
  });
  expect(admitted.filter((at) => at >= 1_000).length).toBe(900);
  expect(admitted.at(-1)!).toBeLessThan(1_000 + 900 * 5 + 1_000);
});

test("more than the rate never come in, in any second, whoever comes when", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.integer({ min: 0, max: 4_000 }), { maxLength: 150 }),
      fc.integer({ min: 0, max: 2_500 }),
      (perSecond, arrivals, lateMs) => {
        const { admitted } = crowd({ perSecond, arrivals, lateMs, givesUp: () => false });
        expect(admitted).toHaveLength(arrivals.length);
        expect(mostInASecond(admitted)).toBeLessThanOrEqual(perSecond);
      },
    ),
  );
});
