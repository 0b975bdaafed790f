// Writes oclif.manifest.json: what every command takes, so that starting one loads only that one.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Plugin } from "@oclif/core";
import { root } from "./process.js";

const plugin = new Plugin({ root, ignoreManifest: true, errorOnManifestCreate: true });
await plugin.load();
const file = join(root, "oclif.manifest.json");
const fresh = `${file}.${process.pid}`;
writeFileSync(fresh, `${JSON.stringify(plugin.manifest, null, 2)}\n`);
renameSync(fresh, file);
