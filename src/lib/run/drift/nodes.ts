import { plural } from "../../figures.js";
import { mistakenIdentity } from "../steps/preflight.js";
import { adoptCommand } from "./mend.js";
import type { Difference, Seen } from "./types.js";

const ABOUT_NODES = { keyspace: null, segments: [], lastRun: null } as const;

/** Agents that are not who the file says, that obey another control plane, or that the file does not know. */
export function nodeDifferences(seen: Seen): Difference[] {
  const { answers, file } = seen;
  const mistaken = answers.flatMap(({ node, url, status }) =>
    mistakenIdentity(node, url, status).map((message): Difference => {
      const mend = [`correct the agent's URL in ${file}, or the agent's configuration`];
      const wanted = `${node} at ${url}`;
      return {
        ...ABOUT_NODES,
        about: "identity",
        nodes: [node],
        wanted,
        live: message,
        mend,
      };
    }),
  );
  return [...mistaken, ...controlPlanes(seen), ...strangers(seen)];
}

/** Lineages that agents obey, without those that obey none yet. */
export function lineagesOf({ answers }: Pick<Seen, "answers">): string[] {
  return [...new Set(answers.flatMap(({ status }) => status.lineage ?? []))].toSorted();
}

function controlPlanes(seen: Seen): Difference[] {
  const { answers, state, file } = seen;
  const ours = state?.lineage ?? null;
  if (ours === null && lineagesOf(seen).length < 2) return [];
  return answers
    .filter(({ status: { lineage } }) => lineage !== null && lineage !== ours)
    .map(({ node, status }): Difference => {
      const wanted = ours === null ? "one for all agents" : `${ours}, of ${state!.where}`;
      return {
        ...ABOUT_NODES,
        about: "control-plane",
        nodes: [node],
        wanted,
        live: status.lineage!,
        mend: [adoptCommand(file), "name the state directory of that one: --state DIR"],
      };
    });
}

function strangers({ strangers: found, file }: Seen): Difference[] {
  return found
    .filter(({ status }) => status.entries.length > 0)
    .map(({ node, url, status: { entries } }): Difference => {
      const keyspaces = [...new Set(entries.map(({ keyspace }) => keyspace))].toSorted();
      const held = keyspaces.map((id) => {
        const mine = entries.filter(({ keyspace }) => keyspace === id);
        return `${plural(mine.length, "segment")} of ${id}`;
      });
      return {
        ...ABOUT_NODES,
        about: "stranger",
        nodes: [node],
        wanted: `${node} is not in the file`,
        live: `it answers at ${url} and holds ${held.join(", ")}`,
        mend: [`put ${node} back into ${file} until a plan has drained it`],
      };
    });
}
