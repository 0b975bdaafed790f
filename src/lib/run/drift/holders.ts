import { type Piece, clip, intersect, union, without } from "../../keyspace/map.js";
import {
  type Owner,
  type Standing,
  copiesOf,
  desiredOwners,
  likelyIn,
  observedKeyspace,
  sameOwner,
  standingsOf,
} from "../../plan/holdings.js";
import type { Keyspace } from "../../topology/types.js";
import { lastRun, leftBy, mendByPlan, mendHolders } from "./mend.js";
import { ownerText } from "./stale.js";
import type { Difference, Seen, SeenRun } from "./types.js";

/** Who holds a keyspace of the file, against the file. What only nodes hold that do not answer is no difference. */
export function holderDifferences(seen: Seen, keyspace: Keyspace): Difference[] {
  const { id } = keyspace;
  const wanted = desiredOwners(keyspace);
  const standings = standingsIn(seen, keyspace);
  const parts: Piece<Found>[] = [
    ...intersect(wanted, standings),
    ...without(standings, wanted).map((piece) => ({
      ...piece,
      value: [null, piece.value] as const,
    })),
  ];
  const last = lastRun(seen, id);
  const history = last?.status.activity === "ended" ? historyOf(last, id) : null;
  const mend = mendHolders(seen, id);
  return parts
    .filter(({ value: [owner, standing] }) => !isSame(seen, owner, standing))
    .flatMap((part) => history?.(part) ?? [withHistory(part, null)])
    .map(({ lo, hi, value: [owner, standing, left] }): Difference => ({
      about: "holders",
      keyspace: id,
      nodes: [],
      segments: [{ lo, hi }],
      wanted: ownerText(owner),
      live: standingText(seen, standing),
      lastRun: left,
      mend:
        standing.is === "contested"
          ? ["no command does: see ops agent status, and keep both copies"]
          : mend({ lo, hi }, owner),
    }));
}

/** Parts that are as the file says, although the last run left them otherwise. */
export function holderNotes(seen: Seen, keyspace: Keyspace): string[] {
  const { id } = keyspace;
  const run = lastRun(seen, id);
  if (run === null || run.status.activity !== "ended") return [];
  const changed = intersect(desiredOwners(keyspace), leftBy(run, id)).filter(
    ({ value: [now, left] }) => !sameOwner(now, left),
  );
  const standings = standingsIn(seen, keyspace);
  const silently = intersect(changed, standings).filter(({ value: [[now], standing] }) =>
    isSame(seen, now, standing),
  );
  if (silently.length === 0) return [];
  return [
    `${id}: something else than ${seen.state!.where} has changed who holds ${union(silently).length} of its parts since run ${run.status.run}; they are as the file says`,
  ];
}

/** A keyspace that agents hold or have routes of, and the file does not name. */
export function foreignKeyspaces(seen: Seen): Difference[] {
  const { topology, observed, tables } = seen;
  const named = new Set(topology.keyspaces.map(({ id }) => id));
  const routed = [...tables.values()].filter(({ withdrawn }) => !withdrawn);
  const ids = new Set([
    ...observed.keyspaces.filter(({ entries }) => entries.length > 0).map(({ id }) => id),
    ...routed.map(({ keyspace }) => keyspace),
  ]);
  return [...ids]
    .filter((id) => !named.has(id))
    .toSorted()
    .map((id): Difference => {
      const { entries } = observedKeyspace(observed, id);
      const table = tables.get(id);
      const routes =
        table === undefined
          ? "no routes"
          : table.withdrawn
            ? "routes withdrawn"
            : "routes published";
      return {
        about: "keyspace",
        keyspace: id,
        nodes: [...new Set(entries.map(({ node }) => node))].toSorted(),
        segments: union(entries.map(({ segment }) => segment)),
        wanted: "no such keyspace",
        live: `${entries.length === 0 ? "held by nobody" : "held"}, ${routes}`,
        lastRun: null,
        mend: mendByPlan(seen, id),
      };
    });
}

function standingsIn(seen: Seen, keyspace: Keyspace): Piece<Standing>[] {
  const { id, domain } = keyspace;
  const shape = { id, domain, likely: likelyIn(keyspace) };
  return standingsOf(observedKeyspace(seen.observed, id), shape);
}

/** As far as the nodes that answered can say. */
function isSame({ silent }: Seen, wanted: Owner | null, standing: Standing): boolean {
  if (wanted === null) return false;
  const isSilent = (node: string) => silent.some((one) => one.node === node);
  if (standing.is === "orphaned") return isSilent(wanted.primary);
  if (standing.is !== "owned") return false;
  const heard = (owner: Owner): Owner => ({
    ...owner,
    replicas: owner.replicas.filter((node) => !isSilent(node)),
  });
  return sameOwner(heard(wanted), heard(standing.owner));
}

type Found = readonly [wanted: Owner | null, standing: Standing];
type Told = readonly [...Found, lastRun: string | null];

function withHistory({ lo, hi, value }: Piece<Found>, lastRun: string | null): Piece<Told> {
  return { lo, hi, value: [...value, lastRun] };
}

/** Cuts a part where the run left different holders, and says of each what it left. */
function historyOf(run: SeenRun, keyspace: string): (part: Piece<Found>) => Piece<Told>[] {
  const { run: name } = run.status;
  const left = leftBy(run, keyspace);
  return (part) => {
    const [, standing] = part.value;
    const owners = clip(left, part);
    const told = owners.map(({ lo, hi, value: owner }) => {
      const isLeft = standing.is === "owned" && sameOwner(owner, standing.owner);
      const text = isLeft
        ? `run ${name} left it like this: the file has changed since`
        : `run ${name} left it as ${ownerText(owner)}: something else has changed it since`;
      return withHistory({ lo, hi, value: part.value }, text);
    });
    return [...told, ...without([part], owners).map((piece) => withHistory(piece, null))];
  };
}

function standingText({ silent }: Seen, standing: Standing): string {
  switch (standing.is) {
    case "owned":
      return ownerText(standing.owner);
    case "claimed":
      return `a takeover by ${standing.by} has not ended`;
    case "contested":
      return `${standing.by.join(" and ")} both say that they are primary`;
    case "orphaned":
      return silent.length === 0 ? "nobody is primary" : "no node that answers is primary";
  }
}

/** The nodes of the file that a keyspace is on. */
export function holdersOf({ shards }: Keyspace): Set<string> {
  return new Set(shards.flatMap((shard) => copiesOf({ ...shard, shard: shard.id })));
}
