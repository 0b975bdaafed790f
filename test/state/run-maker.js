// Makes runs until it is killed or cannot: a line on stdout for every one that is durable, at the end the code of the error.
// usage: node run-maker.js DIST_LIB STATE PLAN_BYTES
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [dist, state, bytes] = process.argv.slice(2);
const { FileStateStore } = await import(pathToFileURL(join(dist, "state/file/store.js")).href);
const store = new FileStateStore(state);
try {
  for (let i = 1; ; i += 1) {
    await store.createRun(`r-${process.pid}-${i}`, "x".repeat(Number(bytes)));
    process.stdout.write(`r-${process.pid}-${i}\n`);
  }
} catch (error) {
  process.stdout.write(`${error.code}\n`);
}
