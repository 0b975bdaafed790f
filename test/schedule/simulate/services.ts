import { readFile } from "node:fs/promises";
import { costsOf, qualitiesOf } from "../../../src/lib/schedule/quality/entries.js";
import { parseQuality } from "../../../src/lib/schedule/quality/parse.js";
import type { Intent } from "../../../src/lib/schedule/change/intent.js";
import { type VirtualService, virtualService } from "../../../src/lib/schedule/simulate/virtual.js";
import { loadTopology } from "../../../src/lib/topology/load.js";

export const EVACUATION = "fixtures/topologies/evacuation";

/** The service of the fixture, with so many times its users and logins. */
export async function service({ users = 1, logins = 1 } = {}): Promise<VirtualService> {
  const { topology: full } = await loadTopology(`${EVACUATION}/topology.yaml`);
  const demand = {
    ...full.demand!,
    onlineUsers: full.demand!.onlineUsers * users,
    loginsPerSecond: full.demand!.loginsPerSecond * logins,
  };
  const sets = full.sets.map(({ capacity: { onlineUsers, loginsPerSecond }, ...set }) => ({
    ...set,
    capacity: { onlineUsers: onlineUsers * users, loginsPerSecond: loginsPerSecond * logins },
  }));
  const topology = { ...full, demand, sets };
  const name = `${EVACUATION}/quality.yaml`;
  const quality = parseQuality(await readFile(name), name, topology, demand);
  const costs = costsOf(qualitiesOf(topology, quality));
  const start = { now: 1_000_000_000_000, createdAt: "2001-09-09T01:46:40.000Z" };
  return virtualService({ topology, demand, costs }, "0".repeat(64), start);
}

/** A small one: what moves takes about two minutes. */
export const small = () => service({ users: 1e-3, logins: 0.05 });

export const TIANJIN = ["tj-1-a", "tj-1-b", "tj-2-a"];

/** Everyone away from one region. */
export function leaveTianjin(more: Partial<Intent>): Intent {
  return {
    mode: "weak",
    empties: false,
    sites: TIANJIN,
    filter: { carrier: null, province: null, port: null },
    reason: "test",
    actor: "test",
    ttlMs: 4 * 3_600_000,
    ramp: { step: 0.1, everyMs: 30_000 },
    pace: { kind: "auto" },
    overrides: [],
    ...more,
  };
}
