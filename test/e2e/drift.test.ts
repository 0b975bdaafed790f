import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Difference, Drift } from "../../src/lib/run/drift/types.js";
import { decodeTable } from "../../src/lib/routing/wire.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import { KEYSPACE, asAnotherOps, withAgent } from "./another-ops.js";
import { Expansion } from "./expansion.js";
import { overloaded } from "./topologies.js";

const LONG_MS = 600_000;

let expansion: Expansion;
let before: string;
beforeAll(async () => {
  expansion = await Expansion.empty();
  before = expansion.cluster.topologyFile;
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

async function drift(file: string): Promise<{ code: number | null } & Drift> {
  const { code, json } = await expansion.ops(["topology", "drift", "-t", file]);
  return { code, ...(json as unknown as Drift) };
}

/** What there is to say in a few words. */
const told = ({ about, nodes, segments, mend }: Difference) => [
  about,
  nodes.join(),
  segments.map(({ lo, hi }) => `${lo}..${hi}`).join(),
  mend.join(" or "),
];

const planning = (file: string) => `ops shard plan -t ${file} -o plan.json`;
const adopting = () => `ops agent adopt -t ${before}`;

describe("ops topology drift", { timeout: LONG_MS }, () => {
  it("says of agents that hold nothing what they should hold, and changes nothing anywhere", async () => {
    const { code, differences, unknown } = await drift(before);
    expect(code).toBe(4);
    expect(differences.map(told)).toEqual([
      ["holders", "", "0..3600", planning(before)],
      ["holders", "", "3600..4000", planning(before)],
    ]);
    expect(differences[0]).toMatchObject({
      wanted: "shard p0 on a1 with b1",
      live: "nobody is primary",
    });
    expect(unknown).toEqual([]);
    expect(await new FileStateStore(expansion.state).exists()).toBe(false);
  });

  it("ends with 0 once the file is so", async () => {
    await expansion.must("shard", "apply", expansion.first, "--yes");
    const files = await expansion.stateFiles();
    expect(await drift(before)).toEqual({
      v: 1,
      code: 0,
      differences: [],
      unknown: [],
      notes: [],
    });
    expect(await expansion.stateFiles()).toEqual(files);
  });

  it("looks at a file that carries too little as at any other", async () => {
    const full = join(expansion.dir, "full.yaml");
    await writeFile(full, overloaded(await readFile(before, "utf8")));
    const plan = ["shard", "plan", "-t", full, "-o", join(expansion.dir, "full.json")];
    expect((await expansion.ops(plan)).json["error"]).toMatchObject({ code: "unfit-topology" });
    expect(await drift(full)).toMatchObject({ code: 0, differences: [] });
  });

  it("tells a file that has changed from a cluster that has", async () => {
    const { code, differences } = await drift(expansion.wanted);
    expect(code).toBe(4);
    expect(differences.map(told)).toEqual([
      ["holders", "", "2000..3600", planning(expansion.wanted)],
    ]);
    const [found] = differences;
    expect(found).toMatchObject({
      keyspace: KEYSPACE,
      wanted: "shard p1 on a2 with b2",
      live: "shard p0 on a1 with b1",
    });
    expect(found!.lastRun).toMatch(/^run r-\S+ left it like this: the file has changed since$/);
  });

  it("names of the ways out of a run the one that leads to the file", async () => {
    await expansion.must("shard", "plan", "-t", expansion.wanted, "-o", expansion.plan);
    await expansion.must("shard", "apply", expansion.plan, "--until", "verify", "--yes");
    const run = await expansion.lastRun();
    const [resume, back] = [`ops run resume ${run}`, `ops shard rollback ${run}`];
    const holders = (mend: string) => ["holders", "", "2000..3600", mend];
    const open = ["run", "", "", `${resume} or ${back}`];
    expect((await drift(before)).differences.map(told)).toEqual([open, holders(back)]);
    expect((await drift(expansion.wanted)).differences.map(told)).toEqual([open, holders(resume)]);

    await expansion.must("run", "resume", run);
    const finalize = `ops shard finalize ${run}`;
    const soaks = await drift(expansion.wanted);
    expect(soaks.code).toBe(4);
    expect(soaks.differences.map(told)).toEqual([
      ["run", "", "", `${finalize} or ${back}`],
      ["holders", "", "2000..3600", finalize],
    ]);
    expect(soaks.differences[0]!.live).toContain("soaks until");

    await expansion.must("shard", "rollback", run, "--to", "attach", "--yes");
    expect((await drift(before)).differences.map(told)).toEqual([open, holders(back)]);
    await expansion.must("shard", "rollback", run, "--yes");
    expect(await drift(before)).toMatchObject({ code: 0, differences: [] });
  });

  it("finds routes that not every agent has, and ops agent adopt mends them", async () => {
    await asAnotherOps(expansion, (authority) =>
      withAgent(expansion, "c1", async (agent) => {
        const { tables } = await agent.routes();
        const table = tables.find(({ keyspace }) => keyspace === KEYSPACE)!;
        const segments = table.segments.map((segment) => ({ ...segment, readers: [] }));
        await agent.putRoutes({ ...table, version: table.version + 1, segments }, authority);
      }),
    );
    const { code, differences } = await drift(before);
    expect(code).toBe(4);
    // The writes of the last part have been away and are back: its generation is another one.
    expect(differences.map(told)).toEqual([
      ["routes", "a1,a2,b1,b2", "", adopting()],
      ["routes", "", "", adopting()],
      ["routes", "", "0..2000", adopting()],
      ["routes", "", "2000..3600", adopting()],
      ["routes", "", "3600..4000", adopting()],
    ]);
    expect(differences[2]).toMatchObject({
      wanted: "writer a1, generation 1, readers a1 100, b1 100",
      live: "writer a1, generation 1, readers none",
    });

    const adopted = await expansion.must("agent", "adopt", "-t", before, "--yes");
    expect(adopted).toMatchObject({ outcome: "applied", missing: {}, left: [] });
    expect(await drift(before)).toMatchObject({ code: 0, differences: [] });
    expect(await expansion.must("agent", "adopt", "-t", before, "--yes")).toMatchObject({
      changes: false,
    });
    const store = new FileStateStore(expansion.state);
    const stored = decodeTable(JSON.parse((await store.routes(KEYSPACE))!.text));
    expect(stored.segments[0]!.readers).toEqual([
      { node: "a1", weight: 100 },
      { node: "b1", weight: 100 },
    ]);
  });

  it("finds what the file does not name", async () => {
    const store = new FileStateStore(expansion.state);
    const scope = "keyspace/album";
    const lease = await store.acquire([scope], { run: "r-other", actor: "other", now: 0 });
    const authority = { scope, epoch: lease.epochs[scope]!, lineage: await store.lineage() };
    const album = { keyspace: "album", lo: 0n, hi: 100n } as const;
    const ask = (kind: "init" | "retract") =>
      withAgent(expansion, "a2", async (agent) => {
        const request =
          kind === "init"
            ? ({ kind, ...album, sharding: "range" } as const)
            : ({ kind, ...album } as const);
        const { rev } = await agent.putOperation(`album-${kind}`, request, authority);
        await agent.waitOperation(`album-${kind}`, rev + 1, 10_000);
      });
    await ask("init");
    const { code, differences } = await drift(before);
    expect(code).toBe(4);
    expect(differences.map(told)).toEqual([["keyspace", "a2", "0..100", planning(before)]]);
    expect(differences[0]!.live).toBe("held, no routes");
    await ask("retract");
    await lease.release();
    expect((await drift(before)).code).toBe(0);
  });

  it("finds a node that holds data and has left the file", async () => {
    const file = join(expansion.dir, "without-c1.yaml");
    const text = (await readFile(before, "utf8"))
      .replace(/^ *c1: .*\n/m, (line) => line.replace("c1", "c9").replace(/:\d+"/, ':9"'))
      .replace("primary: c1", "primary: c9");
    await writeFile(file, text);
    const { code, differences, unknown } = await drift(file);
    expect(code).toBe(4);
    expect(unknown.map(({ node }) => node)).toEqual(["c9"]);
    expect(differences.map(({ about, nodes }) => [about, nodes.join()])).toContainEqual([
      "stranger",
      "c1",
    ]);
    const held = differences.find(({ about }) => about === "holders");
    expect(held).toMatchObject({
      wanted: "shard p9 on c9 with b1",
      live: "shard p9 on c1 with b1",
    });
  });

  it("says whom it could not ask, and both when there is drift besides", async () => {
    await expansion.cluster.kill9("c1");
    const down = await drift(before);
    expect(down).toMatchObject({ code: 6, differences: [], unknown: [{ node: "c1" }] });
    expect(down.unknown[0]!.mend).toContain("ops agent serve");
    const both = await drift(expansion.wanted);
    expect(both).toMatchObject({ code: 4, unknown: [{ node: "c1" }] });
    expect(both.differences.map(({ about }) => about)).toEqual(["holders"]);
    const { code, lines } = await printed(expansion.wanted);
    expect(code).toBe(4);
    expect(lines[0]).toBe("1 difference; 1 of 5 agents did not answer");
    expect(lines).toContain("    wanted  shard p1 on a2 with b2");
    expect(lines).toContain("    live    shard p0 on a1 with b1");
    expect(lines.filter((line) => line.length > 80 && !line.includes(expansion.dir))).toEqual([]);
  });

  it("ends with 9 where nobody answers", async () => {
    for (const node of ["a1", "a2", "b1", "b2"]) await expansion.cluster.kill9(node);
    const { code, differences, unknown } = await drift(before);
    expect([code, differences, unknown.length]).toEqual([9, [], 5]);
    const adopt = await expansion.ops(["agent", "adopt", "-t", before, "--yes"]);
    expect(adopt).toMatchObject({ code: 9, json: { error: { code: "plan/unreachable" } } });
  });
});

async function printed(file: string): Promise<{ code: number | null; lines: readonly string[] }> {
  const running = expansion.begin(["topology", "drift", "-t", file], { json: false });
  const chunks: Buffer[] = [];
  running.child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  const { code } = await running.ended;
  return { code, lines: Buffer.concat(chunks).toString().trimEnd().split("\n") };
}
