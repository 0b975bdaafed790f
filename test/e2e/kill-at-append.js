// Preload: ends the process with SIGKILL right after a durable journal append: the n-th (OPS_TEST_KILL_AT = n), or the first of a
// type of record (OPS_TEST_KILL_AT = type).
import { open } from "node:fs/promises";

const handle = await open(process.execPath, "r");
const prototype = Object.getPrototypeOf(handle);
await handle.close();
const { datasync, write } = prototype;
const at = process.env["OPS_TEST_KILL_AT"];
const type = `"type":"${at}"`;
let left = Number(at);
let written = "";
prototype.write = function (bytes, ...where) {
  written = Buffer.from(bytes).toString();
  return write.call(this, bytes, ...where);
};
prototype.datasync = async function () {
  await datasync.call(this);
  left -= 1;
  if (left === 0 || written.includes(type)) process.kill(process.pid, "SIGKILL");
};
