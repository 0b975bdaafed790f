import { z } from "zod";

/** Longest message of a client, bytes. */
export const MAX_MESSAGE_BYTES = 1_024;

/** Why a gateway closes a connection. Those from 4000 up are its own, the others are of RFC 6455. */
export const CLOSE = {
  /** The gateway stops. */
  stopping: 1001,
  /** What the client sent is not part of the protocol, or too much of it. */
  violation: 1008,
  /** After a refusal. */
  busy: 1013,
  /** It was told to log in elsewhere, and was still there after the time it had. */
  overdue: 4001,
  /** The site is strongly disabled: log in anew, elsewhere. */
  disabled: 4002,
  /** Nothing came after connecting. */
  noLogin: 4003,
  /** The client does not read what it is sent. */
  slow: 4004,
} as const;

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const uid = z
  .string()
  .regex(/^(0|[1-9]\d{0,19})$/)
  .transform((text) => BigInt(text))
  .refine((value) => value < 1n << 64n);

export const clientMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("login"), uid, carrier: name, province: name }),
  z.object({ type: z.literal("ping"), n: z.int() }),
]);
export type ClientMessage = z.output<typeof clientMessage>;

/** Where a session may be had: the best first. */
export const address = z.object({ site: z.string(), url: z.url(), port: z.int() });
export type Address = z.infer<typeof address>;

export const serverMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("welcome"), site: z.string(), heartbeatMs: z.number() }),
  z.object({
    type: z.literal("refused"),
    /**
     * `busy`: as many log in as the site takes; `full`: it has all the sessions that it takes; `elsewhere`: the site is strongly
     * disabled for this user.
     */
    code: z.enum(["busy", "full", "elsewhere", "stopping"]),
    /** Who comes then has a turn; who comes before does not get it earlier. */
    retryAfterMs: z.number(),
  }),
  z.object({ type: z.literal("pong"), n: z.int() }),
  z.object({
    type: z.literal("relogin"),
    /** On whose account. */
    entry: z.string(),
    addresses: z.array(address),
    /** Then the session is closed. */
    withinMs: z.number(),
  }),
]);
export type ServerMessage = z.infer<typeof serverMessage>;
