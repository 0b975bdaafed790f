import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { AgentClient } from "../../src/lib/agent/client/client.js";
import type { AgentConfig } from "../../src/lib/agent/server/config.js";
import { startAgent } from "../../src/lib/agent/server/agent.js";
import { cut } from "../../src/lib/policy/cut.js";
import { LINEAGE } from "./nodes.js";

const BY = { scope: "schedule", epoch: 1n, lineage: LINEAGE };

test("a gateway that is stopped ends every connection, and what it was doing is interrupted, not done", async () => {
  const dir = await mkdtemp(join(tmpdir(), "ops-stop-"));
  const config = {
    node: "g1",
    role: "gateway",
    site: "a",
    dir,
    engine: "embedded",
    listen: { host: "127.0.0.1", port: 0 },
    ports: [0],
    loginsPerSecond: 1_000,
    maxSessions: 10,
    heartbeatMs: 15_000,
  } satisfies AgentConfig;
  const die = (error: unknown): never => {
    throw error;
  };
  const start = async () => startAgent(config, { version: "1.2.3", die });
  let agent = await start();
  let api = new AgentClient(agent.url);
  try {
    const { addresses } = await api.access();
    const [{ url, port }] = addresses as [(typeof addresses)[number]];
    const at = { region: "r", carriers: ["telecom"], addresses: [{ url, port }] };
    const classes = [{ carrier: "telecom", province: "other", base: cut([], new Map([["b", 1]])) }];
    await api.putPolicy({ v: 1, version: 1, sites: { a: at, b: at }, classes, entries: [] }, BY);
    const codes = Array.from({ length: 3 }, async (_, i) => {
      const socket = new WebSocket(url);
      const login = { type: "login", uid: String(i), carrier: "telecom", province: "x" };
      await new Promise((resolve) => socket.once("open", resolve));
      socket.send(JSON.stringify(login));
      await new Promise((resolve) => socket.once("message", resolve));
      const told = new Promise((resolve) => socket.once("message", resolve));
      return { told, closed: new Promise((resolve) => socket.once("close", resolve)) };
    });
    const sessions = await Promise.all(codes);
    // One who connects, and never says for what.
    const dumb = connect(port, "127.0.0.1").resume();
    await new Promise((resolve) => dumb.once("connect", resolve));
    const cutOff = new Promise((resolve) => dumb.once("close", resolve));

    const filter = { carrier: null, province: null, port: null };
    const patient = { entry: "e", filter, count: null, perSecond: null, withinMs: 60_000 };
    await api.putOperation("away-from-a", { kind: "relogin", ...patient }, BY);
    await Promise.all(sessions.map(async ({ told }) => told));
    await agent.stop();
    await cutOff;
    expect(await Promise.all(sessions.map(async ({ closed }) => closed))).toEqual([
      1001, 1001, 1001,
    ]);

    await api.close();
    agent = await start();
    api = new AgentClient(agent.url);
    expect(await api.operation("away-from-a")).toMatchObject({ state: "interrupted" });
  } finally {
    await api.close();
    await agent.stop();
    await rm(dir, { recursive: true, force: true });
  }
});
