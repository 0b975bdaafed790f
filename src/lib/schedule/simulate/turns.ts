/** Turns are given this far ahead; those who come then are told to come back in between half of it and all. As gateways do it. */
export const AHEAD_SECONDS = 60;

/** When those whom a site refused may come again, as the throttle of its gateways tells them. */
export class Turns {
  #last = 0;

  /**
   * Of `users` who are refused at second `now`, the share that comes back after so many seconds, by seconds. Clients that find no
   * turn come back spread, by chance.
   */
  give(users: number, limit: number, now: number, random: () => number): Float64Array {
    const shares = new Float64Array(AHEAD_SECONDS + 1);
    const first = Math.max(this.#last, now + 1);
    const most = Math.max(0, now + AHEAD_SECONDS - first) * limit;
    const given = Math.min(users, most);
    let at = first;
    for (let left = given; left > 0;) {
      const second = Math.floor(at);
      const taken = Math.min(left, (second + 1 - at) * limit);
      shares[second - now]! += taken / users;
      at = taken < left ? second + 1 : at + taken / limit;
      left -= taken;
    }
    this.#last = at;
    const rest = (users - given) / users;
    if (rest > 0) {
      const weights = Array.from({ length: AHEAD_SECONDS / 2 }, () => 0.5 + random());
      const sum = weights.reduce((a, b) => a + b, 0);
      for (const [i, weight] of weights.entries())
        shares[AHEAD_SECONDS / 2 + 1 + i]! += (rest * weight) / sum;
    }
    return shares;
  }
}
