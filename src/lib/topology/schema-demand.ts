import { z } from "zod";
import { UNLISTED } from "./types.js";
import * as field from "./schema-fields.js";

/** The parts of the YAML that say what the service must carry. All may be left out: what is not said is not checked. */

/** More would make the groups of carriers that are looked at too many: there are 2^n. */
const MAX_CARRIERS = 8;
const MAX_PROVINCES = 200;

const cost = z.strictObject({
  memory: field.bytes("Memory that one online user takes.", "2kB", 0).prefault("0B"),
  ops: field.ratio("Operations per second that one online user causes.", "0.01", 0).prefault(0),
  network: field
    .bitsPerSecond("Bandwidth that one online user takes.", "200bps", 0)
    .prefault("0bps"),
});

const perUser = z.strictObject({
  access: cost.optional().meta({ description: "In the access layer." }),
  logic: cost.optional().meta({ description: "In the logic layer." }),
  data: cost.optional().meta({
    description: "In the data layer as a whole. What each data node carries follows from `load`.",
  }),
});

export const demand = z
  .strictObject({
    onlineUsers: field.count("Users online at the peak, everywhere together.", "200M", 1),
    loginsPerSecond: field.count("Logins per second at the peak, everywhere.", "60k").prefault(0),
    carriers: field
      .byName(field.portion("Users who come over the carrier: a share, or how many.", "45%"))
      .refine((carriers) => Object.keys(carriers).length <= MAX_CARRIERS, {
        error: `at most ${MAX_CARRIERS} carriers can be told apart`,
        params: { hint: "leave the smallest ones out: their users count in the total" },
      })
      .prefault({})
      .meta({ description: "Carrier -> its users. Those not listed may use any idc." }),
    provinces: field
      .byName(field.portion("Users who come from the province: a share, or how many.", "11%"))
      .refine((provinces) => Object.keys(provinces).length <= MAX_PROVINCES, {
        error: `at most ${MAX_PROVINCES} provinces can be told apart`,
        params: { hint: "leave the smallest ones out: their users count in the total" },
      })
      .prefault({})
      .meta({ description: "Province -> its users, whatever their carrier." }),
    perUser: perUser.prefault({}).meta({ description: "What one online user costs." }),
  })
  .superRefine(({ onlineUsers, ...parts }, context) => {
    for (const of of ["carriers", "provinces"] as const) {
      for (const problem of partProblems(of, parts[of], onlineUsers)) context.addIssue(problem);
    }
  })
  .meta({ description: "What the service must carry at its peak." });

function* partProblems(of: string, parts: Readonly<Record<string, field.Portion>>, all: number) {
  const total = Object.values(parts).reduce((sum, one) => sum + field.shareOf(one, all), 0);
  if (total >= 1 + 1e-9) {
    yield {
      code: "custom" as const,
      path: [of],
      message: `the ${of} have more users than there are`,
      params: { hint: "shares add up to 100% at most, numbers to `onlineUsers`" },
    };
  }
  if (Object.hasOwn(parts, UNLISTED)) {
    yield {
      code: "custom" as const,
      path: [of, UNLISTED],
      message: `\`${UNLISTED}\` stands for all ${of} that are not listed`,
      params: { hint: "leave it out: those not listed have the rest" },
    };
  }
}

export const load = z
  .strictObject({
    bytes: field.bytes("Size of one copy of all the data.", "400GB", 0).prefault("0B"),
    readsPerSecond: field.count("Reads per second.", "600k").prefault(0),
    writesPerSecond: field.count("Writes per second.", "10k").prefault(0),
    readTraffic: field.traffic("Bytes a second of the answers to reads.", "180MB/s"),
    changeTraffic: field.traffic("Bytes a second of the changes that a copy is sent.", "2MB/s"),
    changedKeys: field
      .count("status: keys that change within one `policy.syncWindow`, each counted once.", "250k")
      .optional(),
  })
  .meta({ description: "What the keyspace as a whole carries at its peak." });

export const shardShare = field
  .share("Share of the load that the shard has. Else it follows from the positions.", "12%")
  .optional();

/** Shards that say none have the rest, so only where all say one must it be the whole. */
export function sharesAddUp(shards: Readonly<Record<string, object>>): boolean {
  const all = Object.values<{ readonly share?: number | undefined }>(shards);
  const given = all.flatMap(({ share }) => share ?? []);
  if (given.length === 0) return true;
  const total = given.reduce((a, b) => a + b, 0);
  return total < 1 + 1e-9 && (given.length < all.length || total > 1 - 1e-9);
}

export const links = z
  .array(
    z.strictObject({
      between: z
        .array(field.name)
        .refine((regions) => regions.length === 2, {
          error: "`between` names two regions",
          params: { hint: "for example [shanghai, shenzhen]" },
        })
        .meta({ description: "Two regions.", examples: [["shanghai", "shenzhen"]] }),
      bandwidth: field.bitsPerSecond("What it carries in each direction.", "40Gbps"),
    }),
  )
  .meta({ description: "The lines between regions." });
