import { z } from "zod";
import { qualityFigure } from "./access.js";

/** `GET /v1/access` of a gateway: where clients connect to it. */
export const accessAnswer = z.object({
  v: z.literal(1),
  site: z.string(),
  addresses: z.array(z.object({ site: z.string(), url: z.string(), port: z.int() })),
});
export type AccessAnswer = z.infer<typeof accessAnswer>;

/** `GET /v1/sessions` of a gateway. */
export const sessionsAnswer = z.object({
  v: z.literal(1),
  site: z.string(),
  sessions: z.int(),
  maxSessions: z.int(),
  /** Of the sessions that are there now. */
  groups: z.array(
    z.object({
      carrier: z.string(),
      province: z.string(),
      port: z.int(),
      sessions: z.int(),
    }),
  ),
  logins: z.object({
    /** Most a second. */
    limit: z.number(),
    /** In the last second. */
    perSecond: z.number(),
    /** Most in any second of the last ten minutes. */
    peak: z.number(),
    /** Since the process began, as all that follows. */
    total: z.number(),
    refused: z.number(),
    /** Those who were refused and are expected back. */
    waiting: z.number(),
  }),
  /** How late the process is: 99 of 100 waits in it are shorter, these seconds, ms; null from an agent of an earlier build. */
  p99LateMs: z.number().nullable().default(null),
  /** What was done on account of each policy entry. */
  entries: z.array(
    z.object({
      entry: z.string(),
      told: z.number(),
      left: z.number(),
      overdue: z.number(),
      disconnected: z.number(),
    }),
  ),
  /** From heartbeats; null where there are too few of them. */
  quality: z.array(qualityFigure),
});
export type SessionsAnswer = z.infer<typeof sessionsAnswer>;

/** `GET /v1/elsewhere` of a gateway: sessions of users whom the policy has at other sites while nothing is masked. */
export const elsewhereAnswer = z.object({
  v: z.literal(1),
  groups: z.array(
    z.object({
      carrier: z.string(),
      province: z.string(),
      home: z.string(),
      sessions: z.int(),
    }),
  ),
});
export type ElsewhereAnswer = z.infer<typeof elsewhereAnswer>;
