import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { type Address, serverMessage } from "../../access/gateway/messages.js";
import type { ConnectionOptions } from "./connection.js";
import type { Person } from "./dispatch-client.js";

const PINGS = 10;
const APART_MS = 50;
/** What has not come back then is lost. Together with the pings less than a gateway waits for a login. */
const ANSWER_WITHIN_MS = 1_000;

/** Pings an address without a login, and says what became of each ping. Never rejects. */
export async function probe(
  to: Address,
  person: Person,
  { network, random, onBeat }: Pick<ConnectionOptions, "network" | "random" | "onBeat">,
): Promise<void> {
  const { loss, delayMs } = network(person, to.site);
  const waiting = new Map<number, number>();
  const socket = new WebSocket(to.url, {
    perMessageDeflate: false,
    handshakeTimeout: ANSWER_WITHIN_MS,
  });
  socket.on("error", () => undefined);
  socket.on("message", (data) => {
    const message = serverMessage.parse(JSON.parse((data as Buffer).toString("utf8")));
    const sentAt = message.type === "pong" ? waiting.get(message.n) : undefined;
    if (message.type !== "pong" || sentAt === undefined) return;
    waiting.delete(message.n);
    onBeat(person, to, performance.now() - sentAt + delayMs);
  });
  await new Promise<void>((resolve) => {
    socket.once("open", resolve);
    socket.once("close", resolve);
  });
  for (let n = 1; n <= PINGS; n += 1) {
    waiting.set(n, performance.now());
    // To an address that does not answer all are lost.
    if (socket.readyState === WebSocket.OPEN && random() >= loss)
      socket.send(JSON.stringify({ type: "ping", n }));
    await sleep(APART_MS, undefined, { ref: false });
  }
  await sleep(ANSWER_WITHIN_MS, undefined, { ref: false });
  socket.close(1000);
  for (let lost = waiting.size; lost > 0; lost -= 1) onBeat(person, to, null);
  waiting.clear();
}
