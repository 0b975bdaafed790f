import { cut } from "../../src/lib/policy/cut.js";
import type { Entry, PolicyDocument } from "../../src/lib/policy/document.js";
import type { User } from "../../src/lib/policy/router.js";

export const DAY = 24 * 3600 * 1000;

export function fractions(shares: Readonly<Record<string, number>>): Map<string, number> {
  return new Map(Object.entries(shares));
}

export function site(carriers: readonly string[], ...ports: number[]) {
  const addresses = (ports.length === 0 ? [443] : ports).map((port) => ({
    url: `ws://127.0.0.1:${port}`,
    port,
  }));
  return { region: "east", carriers, addresses };
}

export function entry(fields: Partial<Entry> & Pick<Entry, "id" | "site">): Entry {
  return {
    carrier: null,
    province: null,
    port: null,
    mode: "mask",
    reason: "rising loss",
    actor: "li",
    epoch: 1n,
    since: 0,
    expires: DAY,
    ramp: { step: 0.1, everyMs: 60_000 },
    redirects: [],
    ...fields,
  };
}

/** Sites a, b and c, which every carrier reaches; one class, half at a, the rest at b and c. */
export function threeSites(entries: readonly Entry[] = []): PolicyDocument {
  const base = cut([], fractions({ a: 0.5, b: 0.3, c: 0.2 }));
  return {
    v: 1,
    version: 1,
    sites: { a: site(["telecom"]), b: site(["telecom"]), c: site(["telecom"]) },
    classes: [{ carrier: "telecom", province: "other", base }],
    entries,
  };
}

export function user(uid: number, more: Partial<User> = {}): User {
  return { uid: BigInt(uid), carrier: "telecom", province: "hunan", port: null, ...more };
}
