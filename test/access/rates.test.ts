import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RateLimit } from "../../src/lib/access/rate-limit.js";
import { RateWindow } from "../../src/lib/access/rate-window.js";
import { mostInASecond } from "../support/most-in-a-second.js";

/** Mostly short ones, so that there are busy seconds between the pauses. */
const steps = fc.array(
  fc.oneof({ weight: 60, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.nat(3_000) }),
  { minLength: 100, maxLength: 400, size: "max" },
);

describe("a rate limit", () => {
  test("is kept in every second, whatever pauses the one who takes makes, and after a change of the rate", () => {
    const change = fc.record({ at: fc.nat(400), perSecond: fc.integer({ min: 1, max: 300 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), steps, change, (perSecond, pauses, later) => {
        const limit = new RateLimit(perSecond, 100, 0);
        const taken: number[] = [];
        let now = 0;
        let changedAt = Number.POSITIVE_INFINITY;
        for (const [i, pause] of pauses.entries()) {
          now += pause;
          if (i === later.at) {
            limit.change(later.perSecond, now);
            changedAt = now;
          }
          while (limit.take(now)) taken.push(now);
        }
        const before = taken.filter((time) => time < changedAt);
        // Also the first second of the new rate, in which what was taken under the old one counts.
        const since = taken.filter((time) => time > changedAt - 1_000);
        expect(mostInASecond(before)).toBeLessThanOrEqual(perSecond);
        if (changedAt !== Number.POSITIVE_INFINITY)
          expect(mostInASecond(since)).toBeLessThanOrEqual(Math.max(perSecond, later.perSecond));
        expect(
          mostInASecond(taken.filter((time) => time >= changedAt + 1_000)),
        ).toBeLessThanOrEqual(later.perSecond);
      }),
    );
  });

  test("is used up by one who always takes, and spends no more at once than a tenth of a second brings", () => {
    for (const perSecond of [3, 100, 1_000, 2_100]) {
      const limit = new RateLimit(perSecond, 100, 0);
      let taken = 0;
      let most = 0;
      // The clock of a busy process: steps of 20 ms, and a stop of 80 ms now and then.
      for (let now = 0; now <= 20_000; now += now % 700 === 0 ? 80 : 20) {
        let atOnce = 0;
        while (limit.take(now)) atOnce += 1;
        taken += atOnce;
        most = Math.max(most, atOnce);
      }
      expect(most).toBeLessThanOrEqual(Math.max(1, perSecond / 10));
      expect(taken).toBeGreaterThanOrEqual(perSecond * 20 * 0.95);
      expect(taken).toBeLessThanOrEqual(perSecond * 20);
    }
  });
});

test("a rate window tells what the last second had, and the most that any had", () => {
  fc.assert(
    fc.property(steps, (pauses) => {
      const window = new RateWindow(0);
      const times: number[] = [];
      let peak = 0;
      let now = 0;
      for (const pause of pauses) {
        now += pause;
        times.push(now);
        window.add(now);
        const step = Math.floor(now / 10);
        const inWindow = times.filter((time) => Math.floor(time / 10) > step - 100).length;
        peak = Math.max(peak, inWindow);
        expect(window.perSecond(now)).toBe(inWindow);
      }
      if (now < 590_000) expect(window.peak(now)).toBe(peak);
      expect(window.total).toBe(times.length);
    }),
  );
});
