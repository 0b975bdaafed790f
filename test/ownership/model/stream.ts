import { acceptsFrame } from "../../../src/lib/ownership/copy.js";
import { acceptsFrames } from "../../../src/lib/ownership/permissions.js";
import { comparePositions, reached } from "../../../src/lib/ownership/position.js";
import type { Frame, NodeId } from "../../../src/lib/ownership/types.js";
import { cursor, type Contract, type Entry, type Local } from "./node.js";

/** A frame with the entry that it carries. */
export interface Parcel {
  readonly to: NodeId;
  readonly frame: Frame;
  readonly entry: Entry;
}

/** Every frame that a source may have sent to a follower, the next one first. */
export function parcels(
  contract: Contract,
  local: Local,
  source: Local,
): readonly Parcel[] | "diverged" {
  if (local.state === null || source.state === null || !acceptsFrames(local.state)) return [];
  const { durable } = local.state;
  if (durable.role === "primary" || durable.source !== source.id) return [];
  const visible = contract.streamsFlushed ? source.flushed : source.log.length;
  const from = cursor(local);
  let at = 0;
  while (at < visible && comparePositions(cursor(source, at), from) < 0) at++;
  if (comparePositions(cursor(source, at), from) !== 0) {
    return reached(from, cursor(source, visible)) ? [] : "diverged";
  }
  const link = `${source.id}#${local.links}`;
  return source.log.slice(at, visible).map((entry, k) => ({
    to: local.id,
    frame: { link, prev: cursor(source, at + k), position: cursor(source, at + k + 1) },
    entry,
  }));
}

/** The node once it has applied the frame; null if it does not. */
export function applied(contract: Contract, local: Local, { frame, entry }: Parcel): Local | null {
  if (local.state === null || !acceptsFrames(local.state)) return null;
  const { durable } = local.state;
  const link = durable.role === "primary" ? "none" : `${durable.source}#${local.links}`;
  // Without the check a log would grow for ever: one entry too many shows the harm.
  const tooLong = local.log.length > entry.write;
  const wanted = contract.checksFrames ? acceptsFrame(cursor(local), link, frame) : !tooLong;
  return wanted ? { ...local, log: [...local.log, entry] } : null;
}
