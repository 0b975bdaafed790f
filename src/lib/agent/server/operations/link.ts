import type { StoredEntry } from "../../../engines/contract.js";
import { contains } from "../../../keyspace/map.js";
import { newCopy } from "../../../ownership/copy.js";
import { following, mayRepoint } from "../../../ownership/permissions.js";
import { segmentsOf } from "../../protocol/operation.js";
import { ProblemError } from "../../protocol/problem.js";
import type { Holding } from "../holdings.js";
import type { Kind } from "./context.js";
import { makeEntries } from "./entries.js";

/** The node begins to copy segments and then follows their source. All of them, or none. */
export const link: Kind<"link"> = async (context, request) => {
  const { keyspace, source, purpose, bytesPerSecond } = request;
  const { engine, holdings, links, self } = context;
  if (source.node === self().node)
    throw new ProblemError(422, "self-link", "a node cannot follow itself");
  const stored = {
    id: request.link,
    source,
    purpose,
    copy: newCopy(),
    verified: false,
    bytesPerSecond,
  };
  await engine.write((txn) => {
    const begun = segmentsOf(request).filter((segment) => {
      const held = txn.entriesIn(keyspace, segment);
      // Those that the same link has already been cut into are fine.
      const isSame = (entry: StoredEntry) =>
        entry.link?.id === request.link && contains(segment, entry);
      return held.length === 0 || !held.every(isSame);
    });
    if (begun.length === 0) return;
    const ownership = following(source.node);
    makeEntries(context, txn, request, begun, { ownership, link: stored });
  });
  holdings.refresh();
  links.reconcile();
  return {};
};

/** The node follows another copy from its present position on. */
export const repoint: Kind<"repoint"> = async (context, request) => {
  const { keyspace, source } = request;
  const { holdings, ownership } = context;
  const previous: { lo: bigint; hi: bigint; node: string; url: string }[] = [];
  const found: Holding[] = [];
  // The source that would tell of a slice may be gone: this copy is cut without it.
  for (const { lo, hi } of segmentsOf(request))
    found.push(...(await holdings.cut(keyspace, lo, hi, (parts) => parts)));
  for (const holding of found) {
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
export const throttle: Kind<"throttle"> = async (context, request) => {
  const { keyspace, bytesPerSecond } = request;
  const { engine, holdings, links } = context;
  const parts = segmentsOf(request).flatMap(({ lo, hi }) => holdings.exactly(keyspace, lo, hi));
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
