/** `1.2 GiB` */
export function bytes(n: number): string {
  return scaled(n, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"], " ");
}

/** `680 k`, written as people write it in the topology: `680k`. */
export function count(n: number): string {
  return scaled(n, 1000, ["", "k", "M", "G", "T"], "");
}

function scaled(n: number, base: number, units: readonly string[], gap: string): string {
  let value = n;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)}${gap}${units[unit]!}`.trimEnd();
}

/** `12 ms`, `3.4s`, `2m 05s`, `1h 12m`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "unknown";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 10) return `${(ms / 1_000).toFixed(1)}s`;
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`;
  return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
}

function pad(n: number): string {
  return n.toString().padStart(2, "0");
}
