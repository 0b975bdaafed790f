import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { mkdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import pino from "pino";
import { openEngine } from "../../engines/registry.js";
import { AuthorityGate } from "./authority.js";
import type { AgentConfig } from "./config.js";
import { httpServer } from "./http/server.js";
import { Metrics } from "./metrics.js";
import type { Base, Role } from "./roles/role.js";
import { keepRole } from "./stored-role.js";

/** Longest wait for what runs to end by itself when the agent is stopped. */
const STOP_MS = 3_000;

export interface RunningAgent {
  readonly url: string;
  stop(): Promise<void>;
}

export interface AgentOptions {
  readonly version: string;
  /** Something on which safety rests has failed: the process must end at once. */
  readonly die: (error: unknown) => void;
}

/** Opens the node's store and serves it until `stop`. Throws `OpsError` when the store or the port cannot be had, or the store is of another role. */
export async function startAgent(
  config: AgentConfig,
  { version, die }: AgentOptions,
): Promise<RunningAgent> {
  const { node, dir, listen } = config;
  mkdirSync(dir, { recursive: true });
  const logger = pino({ name: node, level: "info" }, pino.destination({ dest: 2, sync: true }));
  const engine = await openEngine(config.engine, dir, { onFatal: die });
  try {
    await keepRole(engine, dir, config.role);
  } catch (error) {
    await engine.close();
    throw error;
  }
  let url = "";
  const stopping = new AbortController();
  // Every request that waits listens to it.
  setMaxListeners(0, stopping.signal);
  const base = {
    self: () => ({ node, url }),
    version,
    dir,
    bootId: randomUUID(),
    engine,
    authority: new AuthorityGate(engine),
    metrics: new Metrics(node, engine),
    logger,
    die,
    stopping: stopping.signal,
  };
  const role = await roleOf(base, config);
  await role.operations.recover(new Date().toISOString());
  await role.catchUp();
  const { app } = httpServer(base, role);
  await app.listen({ host: listen.host, port: listen.port });
  url = `http://${hostOf(listen.host)}:${(app.server.address() as AddressInfo).port}`;
  await role.begin();
  logger.info({ url, dir, role: role.kind }, "the agent serves");

  return {
    url,
    async stop() {
      stopping.abort();
      // First: what is released next may look as if their work were done.
      role.operations.interrupt();
      role.release();
      await app.close();
      await within(role.operations.close());
      await role.close();
      await engine.close();
    },
  };
}

/** Each loads what it is made of by itself: an agent starts in less time without the others. */
async function roleOf(base: Base, config: AgentConfig): Promise<Role> {
  switch (config.role) {
    case "data":
      return (await import("./roles/data.js")).dataRole(base, config);
    case "dispatch":
      return (await import("./roles/dispatch.js")).dispatchRole(base);
    case "gateway":
      return (await import("./roles/gateway.js")).gatewayRole(base, config);
  }
}

function hostOf(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

async function within(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, STOP_MS)));
  await Promise.race([work, enough]).finally(() => clearTimeout(timer));
}
