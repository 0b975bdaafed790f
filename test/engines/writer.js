// A process that writes through the embedded engine of dist and says on stdout what was acknowledged.
// node writer.js DIRECTORY WORKS   (0: until it is killed)
import { writeSync } from "node:fs";
import { openEngine } from "../../dist/lib/engines/registry.js";
import { placeOf } from "../../dist/lib/engines/place.js";

const [directory, works] = process.argv.slice(2);
const say = (text) => writeSync(1, `${text}\n`);
const engine = await openEngine("embedded", directory, {
  onFatal: (error) => {
    say(`fatal ${error.code}`);
    process.exit(70);
  },
});
const segment = { keyspace: "profile", lo: 0n, hi: 1n << 64n };
await engine.write((txn) => {
  if (txn.entries().length > 0) return;
  txn.putEntry({
    ...segment,
    ownership: { role: "primary", generation: 1n, handed: null },
    link: null,
    floor: { generation: 1n, index: 0n },
    reigns: [],
  });
});
say("open");

/** Says what a reader can see, as early as it can be seen. */
let seen = engine.log().last;
let watching = Number(works) > 0;
const watch = () => {
  if (!watching) return;
  const view = engine.read();
  const last = view.lastSequence;
  view.close();
  if (last > seen) say(`seen ${last}`);
  seen = last;
  setImmediate(watch);
};
watch();

/** Each work changes two rows: both or none of them may be there later. */
async function write(n) {
  const value = Buffer.alloc(200, `${n} `);
  const at = await engine.write((txn) => {
    const place = (name) => placeOf(BigInt(n), `${n}/${name}`);
    txn.change({ keyspace: "profile", place: place("a"), value }, null);
    return txn.change({ keyspace: "profile", place: place("b"), value }, null);
  });
  say(`ack ${n} ${at.index}`);
}

let next = Number(engine.log().last) / 2;
const end = Number(works) === 0 ? Infinity : next + Number(works);
const lane = async () => {
  while (next < end) await write(next++);
};
await Promise.all(Array.from({ length: Number(works) === 0 ? 16 : 1 }, lane));
watching = false;
await engine.close();
