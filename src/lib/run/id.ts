/**
 * The id of a new run: sorts by time, reads as one (`r-20261122-153012-ab12`).
 * `now`: milliseconds since 1970; `random`: at least 2 random bytes.
 */
export function newRunId(now: number, random: Uint8Array): string {
  const [date, time] = new Date(now).toISOString().split(/[T.]/);
  const tail = Buffer.from(random.subarray(0, 2)).toString("hex");
  return `r-${date!.replaceAll("-", "")}-${time!.replaceAll(":", "")}-${tail}`;
}
