import { z } from "zod";
import type { Unwell } from "../../policy/unwell.js";
import { policyWire } from "../../policy/wire.js";
import { uint64 } from "./json.js";

/** `GET /v1/policy`. */
export const policyAnswer = z.object({
  v: z.literal(1),
  /** Null while none was ever stored; with `after`, while none of a higher version is. */
  policy: policyWire.nullable(),
  /** By which right it was stored, for agents that missed it. An older agent says nothing. */
  by: z.object({ epoch: uint64, lineage: z.string() }).nullable().default(null),
  /** How far each entry is in force here, in the order of the document. */
  levels: z.array(
    z.object({
      entry: z.string(),
      /** The share of its users, 0..1, that it keeps away. */
      level: z.number(),
      /** It has expired, and users do not come back because the site is not well. */
      held: z.boolean(),
      /** What is the matter with the site while that is so; an older agent says nothing. */
      unwell: z
        .object({
          /** Share of what was measured of the ways there, 0..1; null while that is too little. */
          loss: z.number().nullable(),
          /** Those that take no connection, or lose too much. */
          addresses: z.array(
            z.object({
              url: z.string(),
              node: z.string().nullable(),
              connects: z.boolean(),
              loss: z.number().nullable(),
            }),
          ),
        })
        .nullable()
        .default(null),
    }),
  ),
});
export type PolicyAnswer = z.output<typeof policyAnswer>;
export interface EntryLevel extends Omit<PolicyAnswer["levels"][number], "unwell"> {
  readonly unwell: Unwell | null;
}

/** `PUT /v1/policy`. */
export const policyStored = z.object({ version: z.int() });

/** `GET /v1/dispatch`. */
export const dispatchAnswer = z.object({
  v: z.literal(1),
  /** Of the policy document. */
  version: z.int(),
  /** Where the user is to log in. */
  site: z.string(),
  /** Of that site first, then of others that the user may use when it does not answer. */
  addresses: z.array(z.object({ site: z.string(), url: z.string(), port: z.int() })),
});

const name = z.string().min(1).max(63);
/** `POST /v1/quality`: what clients or probes saw of the way to a site. */
export const qualityReports = z.strictObject({
  reports: z
    .array(
      z
        .strictObject({
          carrier: name,
          province: name,
          site: name,
          /** The address that was tried, as dispatch gave it; without one it says something of the site as such. */
          url: z.url().optional(),
          /** Mean round trip of what came back; null when nothing did. */
          rttMs: z.number().min(0).max(600_000).nullable(),
          /** Bounded, so that no one report outweighs all others. */
          sent: z.int().min(1).max(1_000),
          lost: z.int().min(0),
        })
        .refine(({ sent, lost }) => lost <= sent, "more was lost than sent")
        .refine(
          ({ sent, lost, rttMs }) => (rttMs === null) === (lost === sent),
          "rttMs is null when nothing came back, and only then",
        ),
    )
    .max(10_000),
});

/**
 * What became of them: those of sites and addresses that the policy does not offer are not taken up, nor new ways when there are too
 * many. `gone`: the addresses that it does not offer; who was given one by the policy of a later version has newer news.
 */
export const qualityTaken = z.object({
  taken: z.int(),
  ignored: z.int(),
  /** Of the policy document; null while there is none. */
  version: z.int().nullable(),
  gone: z.array(z.string()),
});

/** What is known of the way of some users to a site. */
export const qualityFigure = z.object({
  carrier: z.string(),
  province: z.string(),
  site: z.string(),
  /** What the figures rest on; the older a sample, the less it counts. */
  samples: z.number(),
  /** Null while there are too few samples. */
  rttMs: z.number().nullable(),
  /** Of the round trip of one sample, ms^2; null while there are too few samples or reports. An older agent says nothing. */
  rttVariance: z.number().nullable().default(null),
  /** 0..1 */
  loss: z.number().nullable(),
});
export type QualityFigure = z.output<typeof qualityFigure>;

/** `GET /v1/quality`. */
export const qualityAnswer = z.object({ v: z.literal(1), figures: z.array(qualityFigure) });
export type QualityAnswer = z.output<typeof qualityAnswer>;
