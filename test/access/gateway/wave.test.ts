import fc from "fast-check";
import { expect, test } from "vitest";
import { Wave } from "../../../src/lib/access/gateway/wave.js";
import { RateLimit } from "../../../src/lib/access/rate-limit.js";
import { mostInASecond } from "../../support/most-in-a-second.js";

test("each is told once, those who stay are closed, and both together never go above the pace", () => {
  const session = fc.record({ id: fc.nat(), leavesAfterMs: fc.option(fc.nat(1_500)) });
  fc.assert(
    fc.property(
      fc.array(session, { maxLength: 300 }),
      fc.integer({ min: 20, max: 400 }),
      fc.option(fc.nat(400)),
      fc.integer({ min: 1, max: 60 }),
      (sessions, perSecond, count, stepMs) => {
        const wave = new Wave<(typeof sessions)[number]>({
          count,
          withinMs: 1_000,
          limit: new RateLimit(perSecond, 100, 0),
        });
        wave.enqueue(sessions);
        const told = new Map<object, number>();
        const closed = new Set<object>();
        const acts: number[] = [];
        let now = 0;
        for (; !wave.isQueueEmpty || wave.staying > 0; now += stepMs) {
          for (const one of sessions) {
            const at = told.get(one);
            if (at === undefined || one.leavesAfterMs === null || closed.has(one)) continue;
            if (now >= at + one.leavesAfterMs) wave.gone(one);
          }
          wave.step(
            now,
            (one) => {
              expect(told.has(one)).toBe(false);
              told.set(one, now);
              acts.push(now);
              return true;
            },
            (one) => {
              expect(now).toBeGreaterThanOrEqual(told.get(one)! + 1_000);
              closed.add(one);
              acts.push(now);
            },
          );
        }
        expect(told.size).toBe(Math.min(sessions.length, count ?? sessions.length));
        expect([...told.keys()]).toEqual(sessions.slice(0, told.size));
        expect(mostInASecond(acts)).toBeLessThanOrEqual(perSecond);
        for (const one of told.keys())
          if ((one as (typeof sessions)[number]).leavesAfterMs === null)
            expect(closed.has(one)).toBe(true);
        expect(wave).toMatchObject({ told: told.size, overdue: closed.size });
        expect(wave.left).toBe(told.size - closed.size);
      },
    ),
  );
});

test("many who cannot be told are looked at in several steps, and cost nothing of the pace", () => {
  const wave = new Wave<number>({
    count: null,
    withinMs: null,
    limit: new RateLimit(20, 100, -1_000),
  });
  wave.enqueue(Array.from({ length: 10_000 }, (_, i) => i));
  const looks: number[] = [];
  for (let now = 0; !wave.isQueueEmpty; now += 1) {
    let asked = 0;
    wave.step(
      now,
      (one) => {
        asked += 1;
        return one >= 9_998;
      },
      () => undefined,
    );
    looks.push(asked);
  }
  expect(looks).toEqual([2_000, 2_000, 2_000, 2_000, 2_000]);
  expect(wave.told).toBe(2);
});
