import { bytesText } from "../figures.js";
import type { SyncTraffic } from "../run/sync-traffic.js";
import { columns } from "./columns.js";
import type { TextOptions } from "./text-options.js";

/** What copies cost between regions, against what the topology expects. */
export function syncText(traffic: readonly SyncTraffic[], { width }: TextOptions): string {
  if (traffic.length === 0) return "Between regions: nothing is copied";
  const rows = traffic.map((one) => [
    "",
    one.keyspace,
    `${one.from} -> ${one.to}`,
    rateText(one.sentBytesPerSecond),
    savedText(one),
    expectedText(one),
  ]);
  const seconds = Math.min(...traffic.map((one) => one.seconds));
  return `Between regions, mean of the last ${seconds} s\n${columns(rows, width)}`;
}

function savedText({ sentBytesPerSecond, plainBytesPerSecond }: SyncTraffic): string {
  if (plainBytesPerSecond <= sentBytesPerSecond) return "";
  const share = 1 - sentBytesPerSecond / plainBytesPerSecond;
  return `${Math.floor(share * 100)} % saved of ${rateText(plainBytesPerSecond)}`;
}

function expectedText({ expectedBytesPerSecond, isMore }: SyncTraffic): string {
  if (expectedBytesPerSecond === null) return "the topology says no load";
  return `expected ${rateText(expectedBytesPerSecond)}${isMore ? ": MORE THAN EXPECTED" : ""}`;
}

function rateText(bytesPerSecond: number): string {
  return `${bytesText(bytesPerSecond)}/s`;
}
