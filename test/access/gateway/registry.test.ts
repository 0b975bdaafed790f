import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { Registry } from "../../../src/lib/access/gateway/registry.js";
import { Session } from "../../../src/lib/access/gateway/session.js";

const MOST = 4_096;

test("clients cannot make kinds without end, and those that were made up are forgotten with their sessions", () => {
  const registry = new Registry();
  const join = (carrier: string, province: string): Session => {
    const session = new Session(1n, registry.group(carrier, province, 1), {} as WebSocket);
    registry.add(session);
    return session;
  };
  // Who only asks, as one that is refused, leaves nothing behind.
  for (let i = 0; i < MOST; i += 1) registry.group(`asked-${i}`, "x", 1);
  const made = Array.from({ length: MOST + 100 }, (_, i) => join("other", `made-up-${i}`));
  expect(registry.groups).toHaveLength(MOST + 1);
  expect(join("telecom", "guangdong").group).toMatchObject({ carrier: "other", province: "other" });
  expect(registry.groups.reduce((all, { sessions }) => all + sessions, 0)).toBe(MOST + 101);
  for (const session of made) registry.remove(session);
  const real = join("telecom", "guangdong");
  expect(real.group).toEqual({ carrier: "telecom", province: "guangdong", port: 1, sessions: 1 });
  expect(join("telecom", "guangdong").group).toBe(real.group);
});
