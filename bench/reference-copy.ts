import { fork, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { open } from "lmdb";
import { valueOf } from "./agents.js";
import { secondsSince } from "./benchmark.js";

/** Rows of one transaction, and of one frame on the socket. */
const CHUNK = 2_000;
const HEAD = 8;
/** Transactions that are not on the disk yet. */
const AHEAD = 8;

/** Seconds to copy the rows between two processes with nothing around it: scan, socket, put with a log. */
export async function referenceCopy(rows: number): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), "ops-reference-"));
  const self = fileURLToPath(import.meta.url);
  const sink = fork(self, ["sink", join(dir, "sink")]);
  const source = fork(self, ["source", join(dir, "source"), String(rows)]);
  try {
    const port = await message(sink);
    await message(source);
    const start = performance.now();
    source.send(port);
    await message(sink);
    return secondsSince(start);
  } finally {
    sink.kill("SIGKILL");
    source.kill("SIGKILL");
    await rm(dir, { recursive: true, force: true });
  }
}

function message(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("message", (value) => resolve(Number(value)));
    child.once("exit", (code) =>
      reject(new Error(`a process of the reference ended with ${String(code)}`)),
    );
  });
}

function environment(path: string) {
  return open({ path, keyEncoding: "binary", encoding: "binary", maxDbs: 4 });
}

/** Keys as the agent has them: the position, then the key as text. */
function keyOf(row: number): Buffer {
  const key = Buffer.alloc(8 + String(row).length);
  key.writeBigUInt64BE(BigInt(row));
  key.write(String(row), 8);
  return key;
}

async function source(path: string, rows: number): Promise<void> {
  const env = environment(path);
  const data = env.openDB<Buffer, Buffer>({
    name: "data",
    keyEncoding: "binary",
    encoding: "binary",
  });
  for (let row = 0; row < rows; row += CHUNK) {
    const to = Math.min(rows, row + CHUNK);
    await env.batch(() => {
      for (let i = row; i < to; i += 1) void data.put(keyOf(i), Buffer.from(valueOf(i)));
    });
  }
  await env.flushed;
  process.send!(0);
  process.once("message", (port) => void sendAll(data, Number(port)));
}

async function sendAll(
  data: { getRange(options: object): Iterable<{ key: Buffer; value: Buffer }> },
  port: number,
): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  let frame: Buffer[] = [];
  let count = 0;
  for (const { key, value } of data.getRange({})) {
    const head = Buffer.allocUnsafe(HEAD);
    head.writeUInt32BE(key.length, 0);
    head.writeUInt32BE(value.length, 4);
    frame.push(head, key, value);
    count += 1;
    if (count % CHUNK === 0) {
      await written(socket, Buffer.concat(frame));
      frame = [];
    }
  }
  await written(socket, Buffer.concat(frame));
  socket.end();
}

function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) =>
    socket.write(bytes) ? resolve() : socket.once("drain", resolve),
  );
}

function sink(path: string): void {
  const env = environment(path);
  const data = env.openDB<Buffer, Buffer>({
    name: "data",
    keyEncoding: "binary",
    encoding: "binary",
  });
  const log = env.openDB<Buffer, Buffer>({
    name: "log",
    keyEncoding: "binary",
    encoding: "binary",
  });
  let sequence = 0n;
  const put = (rows: readonly Row[]): Promise<unknown> =>
    env.batch(() => {
      for (const { key, value } of rows) {
        const at = Buffer.allocUnsafe(8);
        at.writeBigUInt64BE((sequence += 1n));
        void data.put(key, value);
        void log.put(at, Buffer.concat([key, value]));
      }
    });
  const server = createServer((socket) => {
    void (async () => {
      let rest: Buffer = Buffer.alloc(0);
      let rows: Row[] = [];
      const ahead: Promise<unknown>[] = [];
      for await (const chunk of socket) {
        rest = takeRows(
          rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]),
          rows,
        );
        if (rows.length < CHUNK) continue;
        ahead.push(put(rows));
        rows = [];
        if (ahead.length >= AHEAD) await ahead.shift();
      }
      await put(rows);
      await env.flushed;
      process.send!(0);
    })();
  });
  server.listen(0, "127.0.0.1", () => process.send!((server.address() as { port: number }).port));
}

interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Moves whole rows out of the bytes; returns what is left. */
function takeRows(bytes: Buffer, rows: Row[]): Buffer {
  let at = 0;
  while (bytes.length - at >= HEAD) {
    const key = at + HEAD;
    const value = key + bytes.readUInt32BE(at);
    const end = value + bytes.readUInt32BE(at + 4);
    if (end > bytes.length) break;
    rows.push({ key: bytes.subarray(key, value), value: bytes.subarray(value, end) });
    at = end;
  }
  return bytes.subarray(at);
}

const [role, path, rows] = process.argv.slice(2);
if (process.send && role === "source") await source(path!, Number(rows));
else if (process.send && role === "sink") sink(path!);
