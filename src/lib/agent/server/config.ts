import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { cannotRead, EXIT, OpsError, whyUnreadable } from "../../errors.js";

/** Where agents may be until TLS and authentication exist. */
export const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

const common = {
  node: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "expected letters, digits, dots and dashes"),
  /** Where the node's data is; relative to the file. */
  dir: z.string().min(1),
  engine: z.literal("embedded").default("embedded"),
  listen: z.strictObject({
    host: z
      .string()
      .regex(LOOPBACK, "only loopback addresses until TLS and authentication exist")
      .default("127.0.0.1"),
    /** 0 takes a free port. */
    port: z.int().min(0).max(65_535),
  }),
};

const data = z.strictObject({
  ...common,
  role: z.literal("data").default("data"),
  log: z
    .strictObject({
      /** Above this the change log is trimmed even if a follower still needs it. */
      maxBytes: z
        .int()
        .min(1_048_576)
        .default(4 * 1024 ** 3),
    })
    .prefault({}),
});
const dispatch = z.strictObject({ ...common, role: z.literal("dispatch") });
const gateway = z.strictObject({
  ...common,
  role: z.literal("gateway"),
  /** The set whose sessions it holds. */
  site: z.string().min(1).max(64),
  /** Where clients connect, on the host of `listen`; 0 takes a free port. */
  ports: z.array(z.int().min(0).max(65_535)).min(1).max(16),
  loginsPerSecond: z.number().positive().max(1_000_000),
  maxSessions: z.int().positive().max(1_000_000_000),
  heartbeatMs: z.int().min(100).max(600_000).default(15_000),
});

const shape = z.discriminatedUnion("role", [data, dispatch, gateway], {
  error: ({ code }) =>
    code === "invalid_union" ? "expected data, dispatch or gateway" : undefined,
});
export type DataConfig = z.output<typeof data>;
export type GatewayConfig = z.output<typeof gateway>;
export type AgentConfig = DataConfig | z.output<typeof dispatch> | GatewayConfig;

/**
 * Reads the configuration of an agent. Throws `OpsError`: `cannot-read` (exit 64), or `agent-config` (exit 3) that names the file
 * and every field at fault.
 */
export async function loadConfig(path: string): Promise<AgentConfig> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw cannotRead(path, whyUnreadable(error));
  }
  let value: unknown;
  try {
    value = await parsed(text);
  } catch (error) {
    throw invalid(path, [error instanceof Error ? error.message : String(error)]);
  }
  const config = shape.safeParse(value);
  if (!config.success) {
    throw invalid(
      path,
      config.error.issues.map(({ path: at, message }) => `${at.join(".") || "(file)"}: ${message}`),
    );
  }
  return { ...config.data, dir: resolve(path, "..", config.data.dir) };
}

/** JSON is YAML, and what `ops dev` and the demo write is JSON: it is read without loading a YAML parser. */
async function parsed(text: string): Promise<unknown> {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const { parse } = await import("yaml");
    return parse(text);
  }
}

function invalid(path: string, problems: readonly string[]): OpsError {
  return new OpsError(
    "agent-config",
    EXIT.refused,
    `${path} is not an agent configuration: ${problems.join("; ")}`,
    {
      hint: "It needs: node, dir, listen.port. See docs/agent-api.md.",
    },
  );
}
