import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../faults/random.js";
import { BUSY, Expansion } from "./expansion.js";
import type { Json, Running } from "./ops-process.js";

const SEED = Number(process.env["OPS_SEED"] ?? Math.floor(Math.random() * 1e9));
const KILLS = Number(process.env["OPS_KILLS"] ?? 10);
const LONG_MS = 600_000;
const random = new Random(SEED);

let expansion: Expansion;
beforeAll(async () => {
  process.stderr.write(`OPS_SEED=${SEED} OPS_KILLS=${KILLS}\n`);
  expansion = await Expansion.start({ perLink: "200kB/s" }, () => random.next());
  expansion.open(BUSY);
}, LONG_MS);
afterAll(() => expansion?.stop(), LONG_MS);

/** Repeats a command that is killed at random appends for as long as kills are left. Returns its end. */
async function killed(left: { kills: number }, ...args: string[]) {
  for (;;) {
    const killAt = left.kills > 0 ? 1 + random.below(30) : 0;
    const end = await expansion.ops(args, killAt);
    if (end.signal === "SIGKILL") left.kills -= 1;
    else if (end.code !== 6 && end.code !== 8) return end;
  }
}

const copying = (node: string) => (event: Json) =>
  event["type"] === "step" && String(event["what"]).startsWith(`wait until ${node} has`);
const entered = (stage: string) => (event: Json) =>
  event["type"] === "stage" &&
  event["state"] === "entered" &&
  String(event["stage"]).endsWith(stage);

/** Kills a node (-9) once the command is there, and brings it back. */
async function killWhen(running: Running, when: (event: Json) => boolean, node: string) {
  await running.event(when);
  await sleep(random.below(150));
  await expansion.cluster.kill9(node);
  await sleep(random.below(400));
  await expansion.cluster.restart(node);
}

describe("while users write and delete, an expansion", () => {
  it(
    "goes there and back although its process is killed at ten random appends",
    async () => {
      const left = { kills: KILLS };
      do {
        const forward = await killed(left, "shard", "apply", expansion.plan, "--yes");
        expect(forward).toMatchObject({ code: 0, json: { activity: "soaking" } });
        const run = forward.json["run"] as string;
        expect((await expansion.entries("a2")).every(({ role }) => role === "primary")).toBe(true);
        const back = await killed(left, "shard", "rollback", run, "--yes");
        expect(back).toMatchObject({ code: 0, json: { outcome: "rolled-back" } });
        expect(await expansion.entries("a2")).toEqual([]);
        expect(await expansion.entries("b2")).toEqual([]);
      } while (left.kills > 0);
    },
    LONG_MS,
  );

  it(
    "arrives although its target and its source are killed while they copy and while the writes move",
    async () => {
      const apply = expansion.begin(["shard", "apply", expansion.plan, "--yes"]);
      await Promise.all([
        killWhen(apply, copying("a2"), "a2"),
        killWhen(apply, copying("b2"), "b1"),
      ]);
      await killWhen(apply, entered("-promote-writes"), "a2");
      await expansion.cluster.kill9("a1");
      await expansion.cluster.restart("a1");
      const run = await expansion.lastRun();
      const end = await expansion.resumed(run, await apply.ended);
      expect(end).toMatchObject({ code: 0, json: { run, activity: "soaking" } });
    },
    LONG_MS,
  );

  it(
    "is finalized although its process is killed, and has lost nothing and brought nothing back",
    async () => {
      const run = await expansion.lastRun();
      const finalize = ["shard", "finalize", run, "--yes", "--early"];
      for (let kills = 3; kills > 0; kills -= 1) {
        const end = await expansion.ops(finalize, 1 + random.below(5));
        expect(end.signal).toBe("SIGKILL");
      }
      // Dead once more when all was dropped and that was not written down yet: no agent is needed for the rest.
      const dropped = await expansion.ops(finalize, "stage.done");
      expect(dropped.signal).toBe("SIGKILL");
      await expansion.cluster.kill9("c1");
      const end = await expansion.ops(finalize);
      expect(end).toMatchObject({ code: 0, json: { outcome: "finalized" } });
      await expansion.cluster.restart("c1");
      const { wrong, acked, checked } = await expansion.verdict();
      expect(wrong).toEqual([]);
      expect(acked).toBeGreaterThan(12_000);
      expect(checked).toBe(acked);
      expect((await expansion.entries("a1")).at(-1)).toMatchObject({ hi: "2000", role: "primary" });
      expect((await expansion.entries("a2")).every(({ role }) => role === "primary")).toBe(true);
      expect(await expansion.ops(["shard", "rollback", run, "--yes"])).toMatchObject({
        code: 3,
        json: { error: { code: "no-way-back" } },
      });
    },
    LONG_MS,
  );
});
