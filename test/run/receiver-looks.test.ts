import { expect, it } from "vitest";
import type { Agent } from "../../src/lib/run/agents.js";
import { systemClock } from "../../src/lib/run/clock.js";
import type { UserContext } from "../../src/lib/run/context.js";
import { ReceiverLooks } from "../../src/lib/run/steps/users/receiver-looks.js";

const answer = { sessions: 3, logins: { total: 5, refused: 1 } };
const counted = { online: 3, logins: 5, refused: 1 };

/** `hanging` gets no answer before `come` is called; `well` at once. */
function looksOf() {
  let lateMs = 0;
  let come!: () => void;
  const late = new Promise((resolve) => (come = () => resolve(answer)));
  const stop = new AbortController();
  const context = {
    agents: {
      of: (node: string): Partial<Agent> => ({
        sessions: () => (node === "well" ? Promise.resolve(answer) : late) as never,
      }),
    },
    clock: { ...systemClock, now: () => Date.now() + lateMs },
    stop: { stopping: stop.signal, detached: new AbortController().signal },
  } as unknown as UserContext;
  const site = (node: string) => ({ site: `${node}-site`, nodes: [node], onlineUsers: 10 });
  const looks = new ReceiverLooks(context, [site("hanging"), site("well")]);
  return { looks, come, stop: () => stop.abort(), pass: (ms: number) => (lateMs += ms) };
}

it("a receiver that hangs keeps nobody from looking at the others, and is named after 5 s", async () => {
  const { looks, pass } = looksOf();
  expect([...(await looks.look())]).toEqual([["well", counted]]);
  expect(looks.silent()).toEqual([]);
  pass(5_000);
  expect([...(await looks.look())]).toEqual([["well", counted]]);
  expect(looks.silent()).toEqual([
    expect.stringMatching(/^hanging of hanging-site has not answered for /),
  ]);
});

it("one that answers late is counted at the next look", async () => {
  const { looks, come } = looksOf();
  await looks.look();
  come();
  expect(new Map(await looks.look()).get("hanging")).toEqual(counted);
  expect(looks.silent()).toEqual([]);
});

it("no look keeps a run from stopping", async () => {
  const { looks, stop } = looksOf();
  stop();
  expect((await looks.look()).has("hanging")).toBe(false);
});
