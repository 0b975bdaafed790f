// Takes the lock of a scope again and again, from a process of its own. Speaks NDJSON on stdout.
// usage: node holder.js STORE DIR SCOPE ROUNDS [die]
import { closeSync, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const [module, directory, scope, rounds, how] = process.argv.slice(2);
const { FileStateStore } = await import(pathToFileURL(module).href);
const store = new FileStateStore(directory);
const inside = join(directory, "inside");

for (let taken = 0; taken < Number(rounds);) {
  let lease;
  try {
    lease = await store.acquire([scope], {
      run: `r-${process.pid}`,
      actor: "test",
      now: Date.now(),
    });
  } catch (error) {
    if (error.code !== "locked") throw error;
    await delay(1);
    continue;
  }
  // Whoever else is inside now makes this fail.
  closeSync(openSync(inside, "wx"));
  console.log(JSON.stringify({ epoch: String(lease.epochs[scope]), notes: lease.notes.length }));
  await delay(1);
  unlinkSync(inside);
  if (how === "die") process.kill(process.pid, "SIGKILL");
  await lease.release();
  taken += 1;
}
