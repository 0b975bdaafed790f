import { z } from "zod";
import { topologySchema } from "./schema.js";

/** The JSON Schema of the YAML, as the text of `schema/topology.schema.json`. For completion and checks in editors. */
export function topologyJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(topologySchema, { io: "input" }), null, 2)}\n`;
}
