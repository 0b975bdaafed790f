// Writes the JSON Schema of the topology YAML to schema/. Needs a build: it runs what is in dist.
import { writeFileSync } from "node:fs";
import { topologyJsonSchema } from "../dist/lib/topology/json-schema.js";

writeFileSync(new URL("../schema/topology.schema.json", import.meta.url), topologyJsonSchema());
