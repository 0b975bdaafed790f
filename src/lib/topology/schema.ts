import { z } from "zod";
import { BLAST_RADII } from "./types.js";
import { demand, links, load, shardShare, sharesAddUp } from "./schema-demand.js";
import { ruleOverrides } from "./schema-rules.js";
import * as field from "./schema-fields.js";

/** What the YAML may say. Keys unknown here are refused; numbers lose their units; defaults are filled in. */

const capacity = z
  .strictObject({
    memory: field.bytes("Memory of the machine that the agent may use."),
    ops: field.count("Operations per second that the node can serve.", "200k", 1),
    network: field.bitsPerSecond("Bandwidth of the network card."),
  })
  .meta({ description: "What the machine can carry." });

const agent = field.httpUrl(
  "Base URL of the agent that speaks for the node.",
  "http://10.1.0.11:7400",
  true,
);
const engine = z.enum(["embedded"]).meta({ description: "What stores the data." });

const plainNode = z.strictObject({ agent: agent.optional(), capacity });
const dataNode = z.strictObject({ agent, engine, capacity });

function layer<T extends z.ZodType>(node: T, what: string) {
  const nodes = field
    .byName(node)
    .meta({ description: "Node name -> node. Names are unique in the whole file." });
  return z.strictObject({ nodes }).meta({ description: what });
}

const set = z
  .strictObject({
    capacity: z
      .strictObject({
        onlineUsers: field.count("Users that can be online in the set at once.", "60M"),
        loginsPerSecond: field.count("Logins per second that the set can take.", "30k"),
      })
      .meta({ description: "What the set as a whole is rated for." }),
    access: layer(plainNode, "Access layer: holds the users' connections.").optional(),
    logic: layer(plainNode, "Logic layer: computes, keeps nothing.").optional(),
    data: layer(dataNode, "Data layer: keeps the keyspaces.").optional(),
  })
  .meta({ description: "A small, self-contained deployment in one idc." });

/** Null where nothing is said. */
const carrierUsers = z.union(
  [
    field.count("Users that the carrier's line into the idc carries.", "60M"),
    z
      .strictObject({})
      .transform(() => null)
      .meta({ description: "Nothing is said of the line: it is no limit." }),
  ],
  { error: "a line must be a number of users, or {} for no limit" },
);
const NO_CARRIER = {
  error: "`carriers` is empty",
  params: { rule: "bad-value", hint: "list at least one" },
};

function isSome(things: object): boolean {
  return Object.keys(things).length > 0;
}

const idc = z
  .strictObject({
    carriers: z
      .union([z.array(field.name).min(1), field.byName(carrierUsers).refine(isSome, NO_CARRIER)], {
        error: "`carriers` must be a list or a map",
      })
      .meta({
        description: "Carriers over which the idc is reachable, also with the users of each.",
        examples: [["telecom", "unicom"], { telecom: "60M", unicom: {} }],
      }),
    sets: field.byName(set).meta({ description: "Set name -> set." }),
  })
  .meta({ description: "A data centre." });

const region = z
  .strictObject({ idcs: field.byName(idc).meta({ description: "Idc name -> idc." }) })
  .meta({ description: "A region: idcs that may be lost together." });

const keyspaceClass = z
  .enum(["relationship", "status"])
  .meta({ description: "relationship: read often, written seldom. status: written often." });
const sync = z.enum(["global", "local"]).meta({
  description: "global: copies in other regions. local: all copies of a shard in one region.",
});
const ack = z.enum(["local", "follower"]).default("local").meta({
  description:
    "When a write is acknowledged. local: its node has flushed it. follower: a replica in another set has, too.",
});
const holders = {
  primary: field.name.meta({ description: "The data node that takes the writes." }),
  replicas: z.array(field.name).default([]).meta({ description: "Data nodes that keep a copy." }),
  share: shardShare,
};

const segment = field.segment(
  "lo..hi: positions from lo up to and without hi. Neighbours share a bound: 0..100, 100..200.",
);

const rangeShard = z.strictObject({
  segments: z
    .array(segment)
    .min(1)
    .meta({ description: "What the shard owns: one or many segments." }),
  ...holders,
});

const rangeKeyspace = z
  .strictObject({
    class: keyspaceClass,
    sync,
    ack,
    sharding: z.literal("range").meta({ description: "A key's position is its uid." }),
    domain: field.segment(
      "All uids that may occur, lo..hi without hi. The shards cover it without gap or overlap.",
    ),
    load: load.optional(),
    shards: field.byName(rangeShard).meta({ description: "Shard name -> shard." }),
  })
  .meta({ description: "Sharded by ranges of uids." });

const hashKeyspace = z
  .strictObject({
    class: keyspaceClass,
    sync,
    ack,
    sharding: z
      .literal("consistent-hash")
      .meta({ description: "A key's position is a 64-bit hash of its uid." }),
    virtualNodes: field
      .count(
        "Places that each shard takes on the ring: more spread the load more evenly.",
        "160",
        1,
        4096,
      )
      .prefault(field.DEFAULT_VIRTUAL_NODES),
    load: load.optional(),
    shards: field
      .byName(z.strictObject(holders))
      .meta({ description: "Shard name -> shard. The ring says what each one owns." }),
  })
  .meta({ description: "Sharded by a consistent-hash ring." });

const SECOND = 1000;
const DAY = 86_400 * SECOND;

const gates = z.strictObject({
  window: field
    .duration("How long reads are watched before the next step.", "30s", 100, DAY)
    .prefault("30s"),
  minSamples: field.count("Fewer reads than this in a window say nothing.", "200").prefault(200),
  whenQuiet: z
    .enum(["proceed", "stop"])
    .default("proceed")
    .meta({ description: "What to do when three windows had too few reads." }),
  maxErrorRate: field.share("Largest share of reads that may fail.", "1%").prefault("1%"),
  maxP99Ratio: field
    .ratio("Largest p99 of the new copy over that of the source.", "2", 1)
    .prefault(2),
  p99Floor: field
    .duration(
      "A p99 of the new copy up to this is good enough, whatever the ratio.",
      "20ms",
      0,
      DAY,
    )
    .prefault("20ms"),
  maxLag: field.duration("How far the new copy may be behind.", "1s", 1, DAY).prefault("1s"),
  checkUrl: field
    .httpUrl("A URL that must answer 2xx.", "http://10.1.0.5/ok", false)
    .nullable()
    .default(null),
});

const READS_HINT = "for example [1%, 10%, 50%, 100%]";

const promotion = z.strictObject({
  reads: z
    .array(field.percent("Share of the reads.", "10%"))
    .min(1)
    .refine((steps) => steps.every((step, i) => step > (steps[i - 1] ?? 0)), {
      error: "the steps of `reads` must rise, each one above 0%",
      params: { hint: READS_HINT },
    })
    .refine((steps) => steps.length === 0 || steps.at(-1) === 100, {
      error: "the last step of `reads` must be 100%",
      params: { hint: READS_HINT },
    })
    .prefault(["1%", "10%", "50%", "100%"])
    .meta({ description: "Share of the reads that goes to the new copies, step by step." }),
  canary: field.share("Share of a segment whose writes move first.", "1%").prefault("1%"),
  slices: field.count("Slices in which the writes of the rest move.", "1", 1, 1000).prefault(1),
});

const concurrency = z.strictObject({
  perNode: field.count("Copies at once into or out of one node.", "2", 1, 1000).prefault(2),
  total: field.count("Copies at once in all.", "8", 1, 10_000).prefault(8),
});

const policy = z
  .strictObject({
    regionsLost: field
      .count("Regions that may be lost while the others carry everyone.", "1", 0, 100)
      .prefault(1),
    headroom: field.share("Share of the capacity to keep free.", "10%").prefault("10%"),
    skew: field
      .ratio("A shard with more than so many times the average load is hot.", "2", 1)
      .prefault(2),
    syncWindow: field
      .duration(
        "Of a key of a global status keyspace only the last value within it goes to other regions.",
        "1s",
        0,
        60 * SECOND,
      )
      .prefault("1s"),
    rules: ruleOverrides,
    spread: z
      .enum(["region", "set", "node"])
      .default("region")
      .meta({ description: "What no two copies of a shard may share." }),
    promotion: promotion.prefault({}).meta({ description: "How accesses move to new copies." }),
    gates: gates.prefault({}).meta({ description: "What must hold before the next step." }),
    concurrency: concurrency.prefault({}).meta({ description: "How much runs at once." }),
    blastRadius: z.enum(BLAST_RADII).default("unlimited").meta({
      description:
        "What is put at risk at one time: `set` is one set of each region and one copy of each shard.",
    }),
    bandwidth: z
      .strictObject({
        perLink: field.rate("Copy rate of one link, or `unlimited`.").prefault("200MB/s"),
        lineShare: field
          .share(
            "Of what a line between regions has left beside replication, the share for copies.",
            "50%",
          )
          .prefault("50%"),
      })
      .prefault({})
      .meta({ description: "How fast data is copied." }),
    takeover: z
      .strictObject({
        budget: field
          .duration("Longest time for which a takeover may block writes.", "500ms", 1, 60 * SECOND)
          .prefault("500ms"),
      })
      .prefault({})
      .meta({ description: "How writes move." }),
    soak: field
      .duration(
        "How long the way back stays open before old copies are dropped.",
        "10m",
        0,
        365 * DAY,
      )
      .prefault("10m"),
  })
  .meta({ description: "How changes are made. Every field has a default." });

export const topologySchema = z
  .strictObject({
    version: z.literal(1).meta({ description: "Version of this format." }),
    name: field.name.meta({ description: "Name of the topology." }),
    regions: field
      .byName(region)
      .refine((regions) => Object.keys(regions).length > 0, {
        error: "a topology needs at least one region",
        params: { hint: "add a region with its idcs and sets" },
      })
      .meta({ description: "Region name -> region." }),
    keyspaces: field
      .byName(
        z
          .discriminatedUnion("sharding", [rangeKeyspace, hashKeyspace])
          .refine((keyspace) => Object.keys(keyspace.shards).length > 0, {
            path: ["shards"],
            error: "a keyspace needs at least one shard",
            params: { hint: "add a shard" },
          })
          .refine((keyspace) => sharesAddUp(keyspace.shards), {
            path: ["shards"],
            error: "the shares of the shards do not add up to 100%",
            params: { hint: "correct them, or leave some out: those have the rest" },
          }),
      )
      .meta({ description: "Keyspace name -> keyspace." }),
    demand: demand.optional(),
    links: links.default([]),
    policy: policy.prefault({}),
  })
  .meta({
    title: "Topology of a set-based, multi-region service",
    description: "What `ops` reads: regions, sets, nodes, keyspaces and how they may be changed.",
  });

/** The document after reading: units removed, defaults filled in, references not yet checked. */
export type TopologyDocument = z.output<typeof topologySchema>;
export type DocumentCarriers = z.output<typeof idc>["carriers"];
export type DocumentDemand = z.output<typeof demand>;
export type DocumentLink = z.output<typeof links>[number];
export type DocumentLoad = z.output<typeof load>;
export type DocumentNode = z.output<typeof plainNode> | z.output<typeof dataNode>;
export type DocumentPolicy = z.output<typeof policy>;
export type DocumentKeyspace = TopologyDocument["keyspaces"][string];
