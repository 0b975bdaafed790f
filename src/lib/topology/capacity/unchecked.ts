import { listed } from "./listed.js";
import { layerDimensions } from "./dimensions.js";
import type { Topology } from "../types.js";

/** What the rules of capacity could not check because the file does not say it: one sentence each, none for what does not apply. */
export function uncheckedParts(topology: Topology): string[] {
  const { demand, keyspaces, links, regions } = topology;
  const loaded = keyspaces.filter(({ load }) => load !== undefined);
  if (!demand && loaded.length === 0) return ["capacity was not checked: there is no `demand`"];
  const parts: string[] = [];
  if (demand && layerDimensions(topology, demand).length === 0) {
    parts.push("capacity of the layers was not checked: there is no cost in `demand.perUser`");
  }
  if (!demand) parts.push("capacity for users was not checked: there is no `demand`");
  if (loaded.length < keyspaces.length) {
    const silent = keyspaces.filter(({ load }) => load === undefined).map(({ id }) => id);
    parts.push(`what data nodes carry was not checked for ${listed(silent)}: there is no \`load\``);
  }
  if (regions.length > 1 && links.length === 0 && loaded.some(({ sync }) => sync === "global")) {
    parts.push("traffic between regions was not checked: there are no `links`");
  }
  return parts;
}
