/** The most of these times, which are in order, in any window of one second. */
export function mostInASecond(times: readonly number[]): number {
  let most = 0;
  let first = 0;
  for (const [i, time] of times.entries()) {
    while (times[first]! <= time - 1_000) first += 1;
    most = Math.max(most, i - first + 1);
  }
  return most;
}
