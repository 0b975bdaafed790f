import { touching } from "../../keyspace/map.js";
import type { LinkStep } from "../types.js";
import type { Check } from "./finding.js";

/** No wave makes more copies at once than the policy allows. Of what is being created there is nothing to copy. */
export const waveLimits: Check = {
  rule: "wave-limits",
  find({ stages, limits, keyspaces }) {
    const held = new Map(keyspaces.map(({ id, before }) => [id, before]));
    const isEmpty = ({ keyspace, segments }: LinkStep) =>
      !segments.some((segment) => touching(held.get(keyspace) ?? [], segment).length > 0);
    return stages.flatMap((stage) =>
      stage.waves.flatMap((wave, i) => {
        const links = wave.filter((step) => step.kind === "link").filter((link) => !isEmpty(link));
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
