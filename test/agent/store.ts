import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "../../src/lib/engines/contract.js";
import { openEngine } from "../../src/lib/engines/registry.js";

const FLOOR = { generation: 0n, index: 0n };

/** A store with one entry, `p [0, 100)`, for tests of parts of an agent. */
export interface Store {
  readonly engine: Engine;
  remove(): Promise<void>;
}

async function openStore(): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), "ops-store-"));
  const onFatal = (error: Error): never => {
    throw error;
  };
  const engine = await openEngine("embedded", directory, { onFatal });
  return {
    engine,
    async remove() {
      await engine.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** The entry is the primary of generation 1. */
export async function primaryStore(): Promise<Store> {
  const store = await openStore();
  const ownership = { role: "primary", generation: 1n, handed: null } as const;
  await store.engine.write((txn) =>
    txn.putEntry({
      keyspace: "p",
      lo: 0n,
      hi: 100n,
      ownership,
      link: null,
      floor: FLOOR,
      reigns: [],
    }),
  );
  return store;
}

/** The entry is a whole copy that follows node `s`. */
export async function followerStore(verified: boolean): Promise<Store> {
  const store = await openStore();
  await store.engine.write((txn) =>
    txn.putEntry({
      keyspace: "p",
      lo: 0n,
      hi: 100n,
      ownership: { role: "follower", source: "s", generation: 0n, handed: null },
      link: {
        id: "l",
        source: { node: "s", url: "http://s" },
        purpose: "move",
        copy: { phase: "streaming", readableFrom: FLOOR },
        verified,
        bytesPerSecond: null,
      },
      floor: FLOOR,
      reigns: [],
    }),
  );
  return store;
}
