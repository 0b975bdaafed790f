import type { StoredEntry } from "../../../engines/contract.js";
import { newCopy } from "../../../ownership/copy.js";
import { following, mayRepoint } from "../../../ownership/permissions.js";
import { ORIGIN } from "../../../ownership/position.js";
import { ProblemError } from "../../protocol/problem.js";
import { Data } from "../data.js";
import type { Kind } from "./context.js";
import { occupied } from "./occupied.js";

/** The node begins to copy a segment and then follows its source. */
export const link: Kind<"link"> = async (context, request) => {
  const { keyspace, lo, hi, sharding, source, purpose, bytesPerSecond } = request;
  const { engine, holdings, links, self } = context;
  if (source.node === self().node)
    throw new ProblemError(422, "self-link", "a node cannot follow itself");
  // Those that the same link has already been cut into are fine.
  const isSame = (entry: StoredEntry) =>
    entry.link?.id === request.link && entry.lo >= lo && entry.hi <= hi;
  await engine.write((txn) => {
    const held = txn
      .entries()
      .filter((one) => one.keyspace === keyspace && one.lo < hi && one.hi > lo);
    if (held.length > 0 && held.every(isSame)) return;
    occupied(context, txn, keyspace, lo, hi);
    Data.declare(txn, keyspace, sharding);
    const stored = {
      id: request.link,
      source,
      purpose,
      copy: newCopy(),
      verified: false,
      bytesPerSecond,
    };
    const segment = { keyspace, lo, hi };
    txn.putEntry({
      ...segment,
      ownership: following(source.node),
      link: stored,
      floor: ORIGIN,
      reigns: [],
    });
  });
  holdings.refresh();
  links.reconcile();
  return {};
};

/** The node follows another copy from its present position on. */
export const repoint: Kind<"repoint"> = async (context, { keyspace, lo, hi, source }) => {
  const { holdings, ownership } = context;
  const previous: { lo: bigint; hi: bigint; node: string; url: string }[] = [];
  // The source that would tell of a slice may be gone: this copy is cut without it.
  for (const holding of await holdings.cut(keyspace, lo, hi, (found) => found)) {
    const from = holding.entry.link?.source;
    if (from === undefined || !mayRepoint(holding.state)) {
      throw new ProblemError(
        409,
        "not-follower",
        `${keyspace} [${holding.lo}, ${holding.hi}) does not follow anybody here now`,
        {
          retryable: holding.state.durable.role !== "primary",
        },
      );
    }
    previous.push({ lo: holding.lo, hi: holding.hi, ...from });
    if (from.node === source.node && from.url === source.url) continue;
    await ownership.repoint(holding, source);
  }
  return { previous };
};

/** Changes the copy rate. */
export const throttle: Kind<"throttle"> = async (context, { keyspace, lo, hi, bytesPerSecond }) => {
  const { engine, holdings, links } = context;
  const parts = holdings.exactly(keyspace, lo, hi);
  await engine.write((txn) => {
    for (const part of parts) {
      const entry = txn.entry(keyspace, part.entry);
      const link = entry?.link ?? null;
      if (entry === null || link === null)
        throw new ProblemError(
          409,
          "no-link",
          `${keyspace} [${part.lo}, ${part.hi}) is not copied here`,
        );
      txn.putEntry({ ...entry, link: { ...link, bytesPerSecond } });
    }
  });
  holdings.refresh();
  links.reconcile();
  return {};
};
