import type { Check } from "./finding.js";

/** No wave makes more copies at once than the policy allows. In a keyspace that is being created there is nothing to copy. */
export const waveLimits: Check = {
  rule: "wave-limits",
  find({ stages, limits, keyspaces }) {
    const created = new Set(
      keyspaces.filter(({ before }) => before.length === 0).map(({ id }) => id),
    );
    return stages.flatMap((stage) =>
      stage.waves.flatMap((wave, i) => {
        const links = wave
          .filter((step) => step.kind === "link")
          .filter((link) => !created.has(link.keyspace));
        const touched = new Map<string, number>();
        for (const node of links.flatMap((link) => [link.node, link.source])) {
          touched.set(node, (touched.get(node) ?? 0) + 1);
        }
        const where = `stage ${stage.id}, wave ${i + 1}:`;
        const busy = [...touched]
          .filter(([, copies]) => copies > limits.perNode)
          .map(
            ([node, copies]) =>
              `${where} ${copies} copies touch ${node}, the limit is ${limits.perNode}`,
          );
        const many =
          links.length > limits.total
            ? [`${where} ${links.length} copies, the limit is ${limits.total}`]
            : [];
        return [...busy, ...many].map((message) => ({ message, step: null }));
      }),
    );
  },
};
