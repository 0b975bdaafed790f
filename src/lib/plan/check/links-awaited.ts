import { subtract } from "../../keyspace/map.js";
import type { Segment } from "../../keyspace/segment.js";
import type { ShardStep } from "../types.js";
import type { Check } from "./finding.js";

/** A wave of copies is waited for by the next one: else the limits on copies mean nothing. */
export const linksAwaited: Check = {
  rule: "links-awaited",
  find: ({ stages }) =>
    stages.flatMap(({ waves }) =>
      waves.flatMap((wave, i) => {
        const syncs = syncsOf(waves[i + 1] ?? []);
        return wave
          .filter((step) => step.kind === "link")
          .filter(
            (link) =>
              !syncs
                .get(copyOf(link))
                ?.some((segments) => subtract(link.segments, segments).length === 0),
          )
          .map((link) => ({
            message: `nothing waits for the copy on ${link.node} in the next wave`,
            step: link.id,
          }));
      }),
    ),
};

function copyOf({ keyspace, node }: { readonly keyspace: string; readonly node: string }): string {
  return `${keyspace} ${node}`;
}

/** What each sync waits for, by keyspace and node. */
function syncsOf(wave: readonly ShardStep[]): ReadonlyMap<string, readonly (readonly Segment[])[]> {
  const syncs = new Map<string, (readonly Segment[])[]>();
  for (const step of wave) {
    if (step.kind !== "sync") continue;
    const mine = syncs.get(copyOf(step));
    if (mine) mine.push(step.segments);
    else syncs.set(copyOf(step), [step.segments]);
  }
  return syncs;
}
