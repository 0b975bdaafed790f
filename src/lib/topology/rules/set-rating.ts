import { RESOURCES } from "../capacity/amounts.js";
import { countText } from "../../figures.js";
import { setPath } from "../paths.js";
import type { FitnessRule } from "./rule.js";

const LAYERS = ["access", "logic", "data"] as const;

export const setRating: FitnessRule = {
  id: "set-rating",
  severity: "warning",
  adjustable: true,
  checks:
    "A set is rated for no more users than its own nodes can carry, in every layer, by `demand.perUser`.",
  why: "A set is self-contained: its users cannot use the nodes of another one. A rating that is too high makes every total wrong.",
  mend: "Lower `onlineUsers` of the set, or add nodes to that layer of it.",
  example: `demand: { onlineUsers: 100M, perUser: { access: { memory: 10kB } } }
# a set for 40M users with two access nodes of 64GiB: they carry 13.7M`,
  *check({ demand, sets, nodes }) {
    if (!demand) return;
    const described = new Set(nodes.map(({ layer }) => layer));
    const have = new Map<string, number>();
    for (const { set, layer, capacity } of nodes) {
      for (const { field } of RESOURCES) {
        const key = `${set} ${layer} ${field}`;
        have.set(key, (have.get(key) ?? 0) + capacity[field]);
      }
    }
    for (const set of sets) {
      const rated = set.capacity.onlineUsers;
      const least = LAYERS.flatMap((layer) =>
        RESOURCES.flatMap(({ field, written }) => {
          const cost = demand.perUser[layer][field];
          if (cost === 0 || !described.has(layer)) return [];
          const users = (have.get(`${set.id} ${layer} ${field}`) ?? 0) / cost;
          return users < rated ? [{ users, written, layer }] : [];
        }),
      ).toSorted((a, b) => a.users - b.users)[0];
      if (!least) continue;
      yield {
        path: [...setPath(set), "capacity", "onlineUsers"],
        at: "value",
        message:
          least.users === 0
            ? `set ${set.id} is rated for ${countText(rated)} users online and has no ${least.layer} nodes`
            : `set ${set.id} is rated for ${countText(rated)} users online; its ${least.layer} nodes have ${least.written} for ${countText(Math.floor(least.users))}`,
        hint: `lower the rating, or add ${least.layer} nodes to the set`,
      };
    }
  },
};
