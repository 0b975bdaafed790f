import {
  formatBitsPerSecond,
  formatBytes,
  formatBytesPerSecond,
  formatCount,
  formatDuration,
  formatSegment,
} from "../topology/units.js";

const BY_NAME: readonly (readonly [RegExp, (value: number) => string])[] = [
  // First: the name of a carrier may end like any other field.
  [/^(carriers|provinces)\./, percentText],
  [/^carrierUsers\./, (value) => formatCount(BigInt(value))],
  [/BytesPerSecond$/, (value) => formatBytesPerSecond(BigInt(value))],
  [/[bB]itsPerSecond$/, (value) => formatBitsPerSecond(BigInt(value))],
  [/(Bytes|\bbytes)$/, (value) => formatBytes(BigInt(value))],
  [/Ms$/, (value) => formatDuration(BigInt(value))],
  [/(window|soak)Seconds$/, (value) => formatDuration(BigInt(Math.round(value * 1000)))],
  [/(headroom|canary|ErrorRate|share|lineShare)$/, percentText],
];

const WRITTEN: readonly (readonly [RegExp, string])[] = [
  [/^carrierUsers(?=\.)/, "carriers"],
  [/linkBytesPerSecond$/, "bandwidth.perLink"],
  [/lineShare$/, "bandwidth.lineShare"],
  [/takeoverBudgetMs$/, "takeover.budget"],
  [/soakSeconds$/, "soak"],
  [/windowSeconds$/, "window"],
  [/maxLagMs$/, "maxLag"],
  [/p99FloorMs$/, "p99Floor"],
  [/memoryBytes$/, "memory"],
  [/opsPerSecond$/, "ops"],
  [/networkBitsPerSecond$/, "network"],
  [/^bitsPerSecond$/, "bandwidth"],
  [/readBytesPerSecond$/, "readTraffic"],
  [/changeBytesPerSecond$/, "changeTraffic"],
  [/syncWindowMs$/, "syncWindow"],
];

function percentText(share: number): string {
  return `${Number((share * 100).toFixed(6))}%`;
}

/** The name of a field of a topology as it is written in the YAML. */
export function fieldName(field: string): string {
  return WRITTEN.reduce((name, [pattern, written]) => name.replace(pattern, written), field);
}

/** The value of a field of a topology with its unit, as it is written in the YAML. */
export function fieldText(field: string, value: unknown): string {
  if (value === null || value === undefined)
    return field.endsWith("linkBytesPerSecond") ? "unlimited" : "none";
  if (typeof value === "bigint") return formatCount(value);
  if (typeof value === "number") {
    const unit = BY_NAME.find(([pattern]) => pattern.test(field));
    if (unit) return unit[1](value);
    return Number.isInteger(value) && value >= 0 ? formatCount(BigInt(value)) : String(value);
  }
  if (Array.isArray(value)) {
    const suffix = field === "promotion.reads" ? "%" : "";
    return `[${value.map((item) => `${String(item)}${suffix}`).join(", ")}]`;
  }
  if (isSegment(value)) return formatSegment(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isSegment(value: unknown): value is { readonly lo: bigint; readonly hi: bigint } {
  return typeof value === "object" && value !== null && "lo" in value && "hi" in value;
}
