// Writes docs/rules.md from the rules. Needs a build: it runs what is in dist.
import { writeFileSync } from "node:fs";
import { rulesPage } from "../dist/lib/report/rule-text.js";
import { RULE_INFOS } from "../dist/lib/topology/rules/registry.js";

writeFileSync(new URL("../docs/rules.md", import.meta.url), rulesPage([...RULE_INFOS.values()]));
