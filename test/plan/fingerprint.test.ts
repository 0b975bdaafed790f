import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fingerprintOf, ownershipParts } from "../../src/lib/plan/fingerprint.js";
import type { Holding, PlanKeyspace } from "../../src/lib/plan/types.js";
import { DEFAULT_SETTINGS, type KeyspaceSettings } from "../../src/lib/routing/settings.js";

/** Of one side: all that a fingerprint covers. */
interface Owned {
  readonly id: string;
  readonly settings: KeyspaceSettings;
  readonly holdings: readonly Holding[];
}

const END = 2n ** 64n;

// Few, and made of what an encoding might take for its own.
const names = fc
  .array(fc.constantFrom("a", "b", ",", '"', "\n", "\\", "\0", "[", "1", "é"), {
    minLength: 1,
    maxLength: 3,
  })
  .map((letters) => letters.join(""));
const positions = fc.oneof(
  fc.bigInt({ min: 0n, max: 3n }),
  fc.bigInt({ min: END - 3n, max: END }),
  fc.bigInt({ min: 0n, max: END }),
);
const segments = fc
  .uniqueArray(positions, { maxLength: 8 })
  .map((edges) => edges.toSorted((a, b) => (a < b ? -1 : 1)))
  .map((edges) => edges.slice(1).map((hi, i) => ({ lo: edges[i]!, hi })));
const owners = fc.record({
  shard: names,
  primary: names,
  replicas: fc.uniqueArray(names, { maxLength: 3 }).map((replicas) => replicas.toSorted()),
});
const owned: fc.Arbitrary<Owned> = fc
  .tuple(segments, fc.array(owners, { minLength: 1, maxLength: 4 }), fc.infiniteStream(fc.nat()))
  .chain(([pieces, all, picks]) =>
    fc.record({
      id: names,
      settings: fc.record({
        ack: fc.constantFrom("local", "follower"),
        syncWindowMs: fc.constantFrom(0, 1, 1000),
      }),
      holdings: fc.constant(
        pieces.map((piece) => ({ ...piece, ...all[picks.next().value! % all.length]! })),
      ),
    }),
  );
const ownerships = fc.uniqueArray(owned, { maxLength: 4, selector: ({ id }) => id });

function asKeyspaces(ownership: readonly Owned[]): PlanKeyspace[] {
  const domain = { lo: 0n, hi: END };
  return ownership.map(({ id, settings, holdings }) => ({
    id,
    sharding: "range",
    domain: { before: domain, after: null },
    settings: { before: settings, after: settings },
    before: holdings,
    after: [],
  }));
}

/** What a fingerprint is the hash of, in one piece. */
function hashed(ownership: readonly Owned[]): Buffer {
  const parts = [...ownershipParts(asKeyspaces(ownership), "before")];
  return Buffer.concat(
    parts.map((part) =>
      part instanceof Uint8Array ? part : Buffer.from(`${canonicalize(part)!}\n`),
    ),
  );
}

/** The way back: what can be read back is told apart. */
function readBack(bytes: Buffer): Owned[] {
  const found: Owned[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf("\n", at);
    const head = JSON.parse(bytes.toString("utf8", at, end)) as Omit<Owned, "settings"> & {
      readonly settings: KeyspaceSettings | null;
      readonly owners: readonly Omit<Holding, "lo" | "hi">[];
      readonly segments: number;
    };
    const holdings = Array.from({ length: head.segments }, (_, i): Holding => {
      const from = end + 1 + i * 20;
      const hi = bytes.readBigUInt64BE(from + 8);
      return {
        lo: bytes.readBigUInt64BE(from),
        hi: hi === 0n ? END : hi,
        ...head.owners[bytes.readUInt32BE(from + 16)]!,
      };
    });
    found.push({ id: head.id, settings: head.settings ?? DEFAULT_SETTINGS, holdings });
    at = end + 1 + head.segments * 20;
  }
  return found;
}

function sorted(ownership: readonly Owned[]): Owned[] {
  return ownership.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

test("what a fingerprint is made of can be read back as who holds what: no two ownerships have the same", () => {
  fc.assert(
    fc.property(ownerships, (ownership) => {
      const bytes = hashed(ownership);
      expect(readBack(bytes)).toEqual(sorted(ownership));
      const hash = createHash("sha256").update(bytes).digest("hex");
      expect(fingerprintOf(asKeyspaces(ownership), "before")).toBe(hash);
    }),
    { numRuns: 500 },
  );
});

test("a fingerprint is another one after any change of an ownership, and the same in any order of keyspaces", () => {
  const of = (ownership: readonly Owned[]) => fingerprintOf(asKeyspaces(ownership), "before");
  const change = fc.constantFrom<(holding: Holding) => Holding>(
    (holding) => ({ ...holding, shard: `${holding.shard}a` }),
    (holding) => ({ ...holding, primary: `${holding.primary},` }),
    (holding) => ({ ...holding, replicas: [...holding.replicas, "z"] }),
    (holding) => ({ ...holding, lo: holding.lo + 1n }),
    (holding) => ({ ...holding, hi: holding.hi - 1n }),
    ({ primary, ...holding }) => ({ ...holding, primary: holding.shard, shard: `${primary}b` }),
  );
  fc.assert(
    fc.property(ownerships, change, fc.nat(), (ownership, changed, pick) => {
      const fingerprint = of(ownership);
      expect(of(ownership.toReversed())).toBe(fingerprint);
      for (const [at, one] of ownership.entries()) {
        const withOther = (other: Partial<Owned>) => of(ownership.with(at, { ...one, ...other }));
        const { ack, syncWindowMs } = one.settings;
        const { holdings } = one;
        const settings = { ack, syncWindowMs: syncWindowMs + 1 };
        expect(withOther({ settings })).not.toBe(fingerprint);
        expect(withOther({ id: `${one.id}z` })).not.toBe(fingerprint);
        if (holdings.length === 0) continue;
        const where = pick % holdings.length;
        const other = holdings.with(where, changed(holdings[where]!));
        expect(withOther({ holdings: other })).not.toBe(fingerprint);
        expect(withOther({ holdings: holdings.slice(1) })).not.toBe(fingerprint);
      }
    }),
    { numRuns: 200 },
  );
});
