// Preload: ends the process with SIGKILL right after its n-th durable journal append (n = OPS_TEST_KILL_AT).
import { open } from "node:fs/promises";

const handle = await open(process.execPath, "r");
const prototype = Object.getPrototypeOf(handle);
await handle.close();
const datasync = prototype.datasync;
let left = Number(process.env["OPS_TEST_KILL_AT"]);
prototype.datasync = async function () {
  await datasync.call(this);
  left -= 1;
  if (left === 0) process.kill(process.pid, "SIGKILL");
};
