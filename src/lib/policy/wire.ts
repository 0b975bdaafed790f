import { z } from "zod";
import { EXIT, OpsError } from "../errors.js";
import type { SegmentMap } from "../keyspace/map.js";
import { segmentFields } from "../keyspace/wire.js";
import { checkPolicy } from "./check.js";
import { MODES, type PolicyDocument, type SiteChange } from "./document.js";

const name = z.string().min(1).max(63);
const text = z.string().min(1).max(1_000);
const port = z.int().min(1).max(65_535);
const time = z.int().min(0);
const epoch = z
  .string()
  .regex(/^(?:0|[1-9]\d{0,19})$/, "expected an unsigned decimal number in quotes")
  .transform((digits) => BigInt(digits));
const map = z.array(z.strictObject({ ...segmentFields, value: name }));
const ofClass = { carrier: name, province: name };

export const policySiteWire = z.strictObject({
  region: name,
  carriers: z.array(name),
  addresses: z.array(z.strictObject({ url: z.url(), port, node: name.optional() })).min(1),
});

export const policyClassWire = z.strictObject({ ...ofClass, base: map });

export const entryWire = z.strictObject({
  id: name,
  site: name,
  carrier: name.nullable(),
  province: name.nullable(),
  port: port.nullable(),
  mode: z.enum(MODES),
  reason: text,
  actor: text,
  epoch,
  since: time,
  expires: time,
  ramp: z.strictObject({ step: z.number().gt(0).max(1), everyMs: z.int().min(1) }),
  redirects: z.array(z.strictObject({ ...ofClass, map })),
});

const siteChangeWire = z.strictObject({
  site: name,
  at: time,
  what: name,
  isUndo: z.boolean(),
  actor: text,
  isReceiver: z.boolean(),
});

/** A policy document as JSON carries it: bigints as decimal strings. */
export const policyWire = z.strictObject({
  v: z.literal(1),
  version: z.int().min(1),
  sites: z.record(name, policySiteWire),
  classes: z.array(policyClassWire),
  entries: z.array(entryWire),
  agents: z.record(name, z.url()).optional(),
  changes: z.array(siteChangeWire).optional(),
});

export type PolicyWire = z.input<typeof policyWire>;

/** A value that `JSON.stringify` takes. The same document is always the same text. */
export function encodePolicy(document: PolicyDocument): PolicyWire {
  const { v, version, sites, classes, entries, agents, changes } = document;
  const ids = Object.keys(sites).toSorted();
  return {
    v,
    version,
    sites: Object.fromEntries(
      ids.map((id) => {
        const { region, carriers, addresses } = sites[id]!;
        const at = addresses.map(({ url, port: of, node }) =>
          node === undefined ? { url, port: of } : { url, port: of, node },
        );
        return [id, { region, carriers: [...carriers], addresses: at }];
      }),
    ),
    classes: classes.map(({ carrier, province, base }) => ({
      carrier,
      province,
      base: encodeMap(base),
    })),
    entries: entries.map((entry) => ({
      id: entry.id,
      site: entry.site,
      carrier: entry.carrier,
      province: entry.province,
      port: entry.port,
      mode: entry.mode,
      reason: entry.reason,
      actor: entry.actor,
      epoch: String(entry.epoch),
      since: entry.since,
      expires: entry.expires,
      ramp: { step: entry.ramp.step, everyMs: entry.ramp.everyMs },
      redirects: entry.redirects.map(({ carrier, province, map: to }) => ({
        carrier,
        province,
        map: encodeMap(to),
      })),
    })),
    ...(agents === undefined
      ? {}
      : { agents: Object.fromEntries(Object.entries(agents).toSorted(byName)) }),
    ...(changes === undefined ? {} : { changes: changes.map(encodeChange) }),
  };
}

function encodeChange({ site, at, what, isUndo, actor, isReceiver }: SiteChange): SiteChange {
  return { site, at, what, isUndo, actor, isReceiver };
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

function encodeMap(segments: SegmentMap<string>) {
  return segments.map(({ lo, hi, value }) => ({ lo: String(lo), hi: String(hi), value }));
}

/** Reads a parsed JSON value. Throws OpsError `bad-policy` (exit 3) that names every field at fault. */
export function decodePolicy(value: unknown): PolicyDocument {
  const parsed = policyWire.safeParse(value);
  if (!parsed.success) {
    throw bad(
      parsed.error.issues.map(({ path, message }) => `${path.join(".") || "policy"}: ${message}`),
    );
  }
  const problems = checkPolicy(parsed.data);
  if (problems.length > 0) throw bad(problems);
  return parsed.data;
}

/** Throws as `decodePolicy` does, for a document that no agent would take. */
export function assertUsable(document: PolicyDocument): void {
  decodePolicy(encodePolicy(document));
}

function bad(problems: readonly string[]): OpsError {
  return new OpsError("bad-policy", EXIT.refused, `Not a usable policy: ${problems.join("; ")}`, {
    details: problems,
  });
}
