import { shareOf } from "./schema-fields.js";
import type { DocumentDemand, DocumentLink, DocumentLoad } from "./schema.js";
import type { Demand, KeyspaceLoad, NodeCapacity, RegionLink, Share } from "./types.js";

export function demandOf({ onlineUsers, loginsPerSecond, ...rest }: DocumentDemand): Demand {
  const { access, logic, data } = rest.perUser;
  return {
    onlineUsers,
    loginsPerSecond,
    carriers: sharesOf(rest.carriers, onlineUsers),
    provinces: sharesOf(rest.provinces, onlineUsers),
    perUser: { access: costOf(access), logic: costOf(logic), data: costOf(data) },
  };
}

function sharesOf(parts: DocumentDemand["carriers"], all: number): Share[] {
  return Object.entries(parts).map(([id, part]) => ({ id, share: shareOf(part, all) }));
}

function costOf(cost: DocumentDemand["perUser"]["access"]): NodeCapacity {
  return {
    memoryBytes: cost?.memory ?? 0,
    opsPerSecond: cost?.ops ?? 0,
    networkBitsPerSecond: cost?.network ?? 0,
  };
}

export function loadOf(load: DocumentLoad): KeyspaceLoad {
  return {
    bytes: load.bytes,
    readsPerSecond: load.readsPerSecond,
    writesPerSecond: load.writesPerSecond,
    readBytesPerSecond: load.readTraffic,
    changeBytesPerSecond: load.changeTraffic,
    changedKeys: load.changedKeys ?? null,
  };
}

export function linkOf({ between: [a, b], bandwidth }: DocumentLink): RegionLink {
  return { between: [a!, b!], bitsPerSecond: bandwidth };
}
