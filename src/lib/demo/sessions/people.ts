import type { Person } from "./dispatch-client.js";

export const CARRIERS = ["telecom", "unicom", "mobile"] as const;
export const PROVINCES = ["guangdong", "sichuan", "shanghai"] as const;

/** So many users, of every carrier in every province alike. */
export function peopleOf(users: number): Person[] {
  return Array.from({ length: users }, (_, i) => ({
    uid: BigInt(i),
    carrier: CARRIERS[i % CARRIERS.length]!,
    province: PROVINCES[Math.floor(i / CARRIERS.length) % PROVINCES.length]!,
  }));
}
