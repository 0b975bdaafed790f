import { RateLimit } from "../rate-limit.js";

/** One who does not come within this time after the own turn has lost it: a busy client is late. */
const GRACE_MS = 10_000;
/** Turns are given this far ahead; those who come then are told to come back in between half of it and all. */
const AHEAD_MS = 60_000;
/** A busy gateway gets the logins of such a time at once. */
const SAVED_MS = 500;

export type Admission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly retryAfterMs: number };

/**
 * Who may log in now. A refusal is a promise: each one who is refused gets a turn of their own, one after the other at the site's
 * rate, and newcomers leave them half of what is saved up. What nobody comes for is not lost: it goes to whoever is there.
 */
export class LoginThrottle {
  readonly #limit: RateLimit;
  readonly #everyMs: number;
  /** When those who were refused may come, by uid; soonest first. */
  readonly #turns = new Map<bigint, number>();
  #lastTurn: number;
  #sentFar = 0;

  constructor(loginsPerSecond: number, now: number) {
    this.#limit = new RateLimit(loginsPerSecond, SAVED_MS, now);
    this.#everyMs = 1_000 / loginsPerSecond;
    this.#lastTurn = now;
  }

  get perSecond(): number {
    return this.#limit.perSecond;
  }

  /** Those who were refused and are expected back. */
  waiting(now: number): number {
    this.#expire(now);
    return this.#turns.size;
  }

  ask(uid: bigint, now: number): Admission {
    this.#expire(now);
    const turn = this.#turns.get(uid);
    if (turn !== undefined && now < turn) return refused(turn - now);
    const mayTry = turn !== undefined || this.#turns.size === 0 || this.#limit.hasSpare(now);
    this.#turns.delete(uid);
    if (mayTry && this.#limit.take(now)) return { admitted: true };
    return refused(this.#nextTurn(uid, now) - now);
  }

  #nextTurn(uid: bigint, now: number): number {
    const turn = Math.max(this.#lastTurn, now) + this.#everyMs;
    if (turn > now + AHEAD_MS) {
      // Without a place in the queue, which is what bounds it; spread all the same.
      this.#sentFar = (this.#sentFar + 7_919) % (AHEAD_MS / 2);
      return now + AHEAD_MS / 2 + this.#sentFar;
    }
    this.#lastTurn = turn;
    this.#turns.set(uid, turn);
    return turn;
  }

  #expire(now: number): void {
    for (const [uid, turn] of this.#turns) {
      if (turn + GRACE_MS > now) return;
      this.#turns.delete(uid);
    }
  }
}

function refused(ms: number): Admission {
  return { admitted: false, retryAfterMs: Math.max(1, Math.ceil(ms)) };
}
