// Preload: ends the process with SIGKILL right after a journal record is durable: the n-th (OPS_TEST_KILL_AT = n), or the first
// of a type (OPS_TEST_KILL_AT = type). Records that were to go to the disk together with it, behind it, do not get there.
import { open } from "node:fs/promises";

const handle = await open(process.execPath, "r");
const prototype = Object.getPrototypeOf(handle);
await handle.close();
const { datasync, write } = prototype;
const at = process.env["OPS_TEST_KILL_AT"];
const type = `"type":"${at}"`;
let left = Number(at);
let last = false;
prototype.write = function (bytes, offset, length, position) {
  const text = Buffer.from(bytes)
    .subarray(offset, offset + length)
    .toString();
  let whole = 0;
  for (const line of text.split("\n").slice(0, -1)) {
    whole += Buffer.byteLength(line) + 1;
    left -= 1;
    last = left === 0 || line.includes(type);
    if (last) break;
  }
  return write.call(this, bytes, offset, last ? whole : length, position);
};
prototype.datasync = async function () {
  await datasync.call(this);
  if (last) process.kill(process.pid, "SIGKILL");
};
