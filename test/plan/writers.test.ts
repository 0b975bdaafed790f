import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkPlan } from "../../src/lib/plan/check/index.js";
import { differences } from "../../src/lib/plan/model/invariants.js";
import { runPlan, undoRun } from "../../src/lib/plan/model/run.js";
import { modelOf } from "../../src/lib/plan/model/state.js";
import { type Observed, observedFromTopology } from "../../src/lib/plan/observed.js";
import {
  observedAfter,
  rehearseComingHome,
  rehearseLeaving,
} from "../../src/lib/plan/region/rehearse.js";
import { type WritersPlan, planComingHome, planLeaving } from "../../src/lib/plan/writers.js";
import type { Topology } from "../../src/lib/topology/types.js";
import { topologyPairs } from "./any-topology.js";
import { NODES, rangeKeyspace, topologyOf } from "./cluster.js";

const REGION = new Map(NODES.map(({ id, region }) => [id, region]));

function request(topology: Topology, observed: Observed) {
  return { topology, observed, createdAt: "2026-11-24T00:00:00Z", topologyHash: "0" };
}

const leaving = (topology: Topology, observed = observedFromTopology(topology)): WritersPlan =>
  planLeaving(request(topology, observed), "sh");

const moves = ({ plan }: WritersPlan): string[] =>
  (plan?.keyspaces ?? []).flatMap(({ before, after }) =>
    after.flatMap(({ lo, hi, primary }) => {
      const was = before.find((one) => one.lo <= lo && hi <= one.hi)!;
      return was.primary === primary ? [] : [`[${lo}, ${hi}) ${was.primary} -> ${primary}`];
    }),
  );

test("from any topology every write leaves that can, by a sound plan that can be taken back, and comes home", () => {
  fc.assert(
    fc.property(topologyPairs, ({ before: topology }) => {
      const found = leaving(topology);
      const { plan, stays } = found;
      const stuck = topology.keyspaces.flatMap(({ id, shards }) =>
        shards
          .filter(({ primary }) => REGION.get(primary) === "sh")
          .filter(({ replicas }) => replicas.every((node) => REGION.get(node) === "sh"))
          .map(({ primary }) => `${id} ${primary}`),
      );
      expect(new Set(stays.map(({ keyspace, node }) => `${keyspace} ${String(node)}`))).toEqual(
        new Set(stuck),
      );
      if (plan === null) return;
      expect(checkPlan(plan)).toEqual([]);
      const ran = runPlan(plan);
      expect(differences(ran.model, modelOf(plan.keyspaces, "after"))).toEqual([]);
      expect(differences(undoRun(ran), modelOf(plan.keyspaces, "before"))).toEqual([]);
      for (const { id, before, after } of plan.keyspaces) {
        const nodes = (of: typeof before) =>
          new Set(of.flatMap((one) => [one.primary, ...one.replicas]));
        expect([id, nodes(after)]).toEqual([id, nodes(before)]);
      }
      const home = planComingHome(request(topology, observedAfter(topology, plan)), "sh").plan!;
      expect(checkPlan(home)).toEqual([]);
      expect(home.fingerprint).toEqual({
        before: plan.fingerprint.after,
        after: plan.fingerprint.before,
      });
      const { observed: _, ...asked } = request(topology, observedFromTopology(topology));
      expect(rehearseLeaving(asked, "sh")).toEqual(found);
      expect(rehearseComingHome(asked, "sh").plan).toEqual(home);
    }),
    { numRuns: 100 },
  );
});

describe("a region that is left", () => {
  const shard = (id: string, lo: bigint, hi: bigint, primary: string, ...replicas: string[]) => ({
    id,
    segments: [{ lo, hi }],
    primary,
    replicas,
  });

  test("spreads its writes over the copies elsewhere", () => {
    const both = ["sz-1-d1", "tj-1-d1"];
    const topology = topologyOf([
      rangeKeyspace("profile", [
        shard("p0", 0n, 400n, "sh-1-d1", ...both),
        shard("p1", 400n, 700n, "sh-1-d2", ...both),
        shard("p2", 700n, 1000n, "sz-1-d1", "sh-1-d1"),
      ]),
    ]);
    expect(moves(leaving(topology))).toEqual([
      "[0, 400) sh-1-d1 -> sz-1-d1",
      "[400, 700) sh-1-d2 -> tj-1-d1",
    ]);
  });

  test("weighs segments of keyspaces of different widths by their share of the keyspace", () => {
    const both = ["sz-1-d1", "tj-1-d1"];
    const narrow = rangeKeyspace("a", [shard("a0", 0n, 1000n, "sh-1-d1", ...both)]);
    const wide = rangeKeyspace(
      "b",
      [
        shard("b0", 0n, 100_000n, "sh-1-d1", ...both),
        shard("b1", 100_000n, 200_000n, "sh-1-d2", ...both),
        shard("b2", 200_000n, 1_000_000n, "sz-1-d1", "sh-1-d1"),
      ],
      1_000_000n,
    );
    expect(moves(leaving(topologyOf([narrow, wide])))).toEqual([
      "[0, 1000) sh-1-d1 -> sz-1-d1",
      "[0, 100000) sh-1-d1 -> tj-1-d1",
      "[100000, 200000) sh-1-d2 -> tj-1-d1",
    ]);
  });

  const topology = topologyOf([
    rangeKeyspace("profile", [
      shard("p0", 0n, 500n, "sh-1-d1", "tj-1-d1"),
      shard("p1", 500n, 1000n, "sh-1-d2", "sz-1-d1"),
    ]),
  ]);
  const observed = observedFromTopology(topology);
  const withEntries = (
    change: (entry: Observed["keyspaces"][number]["entries"][number]) => object,
  ): Observed => ({
    ...observed,
    keyspaces: observed.keyspaces.map((keyspace) => ({
      ...keyspace,
      entries: keyspace.entries.map((entry) => ({ ...entry, ...change(entry) })),
    })),
  });

  test("keeps a write whose copies elsewhere do not keep up, and one whose primary does not answer, and says why", () => {
    const lagging = leaving(
      topology,
      withEntries(({ node }) => (node === "tj-1-d1" ? { streaming: false } : {})),
    );
    expect(moves(lagging)).toEqual(["[500, 1000) sh-1-d2 -> sz-1-d1"]);
    expect(lagging.stays).toEqual([
      {
        keyspace: "profile",
        segments: [{ lo: 0n, hi: 500n }],
        node: "sh-1-d1",
        why: "no copy keeps up with sh-1-d1: tj-1-d1",
      },
    ]);
    const silent = leaving(
      topology,
      withEntries(({ node }) => (node === "sh-1-d1" ? { streaming: false } : {})),
    );
    expect(moves(silent)).toEqual(["[500, 1000) sh-1-d2 -> sz-1-d1"]);
    expect(silent.stays).toMatchObject([{ node: "sh-1-d1", why: "sh-1-d1 does not answer" }]);
  });

  test("prefers a copy that the file names to one that an expansion is making", () => {
    const extra = observed.keyspaces[0]!.entries.find(({ node }) => node === "tj-1-d1")!;
    const making = { ...extra, node: "sz-2-d1" };
    const found = leaving(topology, {
      ...observed,
      keyspaces: [
        { ...observed.keyspaces[0]!, entries: [...observed.keyspaces[0]!.entries, making] },
      ],
    });
    expect(moves(found)).toContain("[0, 500) sh-1-d1 -> tj-1-d1");
  });

  test("leaves a keyspace alone of which nobody can say who writes it", () => {
    const claiming = withEntries(({ node }) => (node === "tj-1-d1" ? { role: "claiming" } : {}));
    const found = leaving(topology, claiming);
    expect(found.plan).toBeNull();
    expect(found.stays).toMatchObject([
      {
        keyspace: "profile",
        node: null,
        why: expect.stringContaining("takeover by tj-1-d1") as string,
      },
    ]);
  });

  test("names a keyspace of which nobody who answers holds anything", () => {
    const found = leaving(topology, {
      keyspaces: [],
      unreachable: [{ node: "sh-1-d1", why: "refused" }],
      basis: "measured",
    });
    expect(found).toMatchObject({ plan: null, stays: [{ keyspace: "profile", segments: [] }] });
  });
});
