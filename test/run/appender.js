// Appends to a journal until it is killed; a line on stdout for every record that is durable.
// usage: node appender.js DIST_LIB STATE RUN START
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [dist, state, run, start] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(dist, path)).href);
const { FileStateStore } = await load("state/file/store.js");
const { Journal } = await load("run/journal/journal.js");
const journal = await Journal.open(new FileStateStore(state), run, Date.now);
await journal.append(JSON.parse(start));
process.stdout.write(".\n");
for (;;) {
  await journal.append({ type: "run.resume", epochs: {}, actor: "a", command: "x".repeat(3000) });
  process.stdout.write(".\n");
}
