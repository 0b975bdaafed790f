import { WebSocket } from "ws";
import { type Address, type ServerMessage, serverMessage } from "../../access/gateway/messages.js";
import type { Person } from "./dispatch-client.js";

const WELCOME_WITHIN_MS = 5_000;
/** Without an answer for so many of its own heartbeats a client leaves. */
const SILENT_HEARTBEATS = 3;

/** What the way to a site does to a heartbeat. */
export interface Network {
  /** Share of the heartbeats that do not come back, 0..1. */
  readonly loss: number;
  readonly delayMs: number;
}

export interface ConnectionOptions {
  readonly network: (person: Person, site: string) => Network;
  readonly random: () => number;
  /** A heartbeat of its own came back after so long, or, null, has not before the next was due. */
  readonly onBeat: (person: Person, to: Address, rttMs: number | null) => void;
  readonly onNotice: (
    connection: Connection,
    notice: Extract<ServerMessage, { type: "relogin" }>,
  ) => void;
  readonly onClosed: (connection: Connection, code: number) => void;
}

export type Attempt =
  | { readonly outcome: "welcome"; readonly connection: Connection }
  | { readonly outcome: "refused"; readonly code: string; readonly retryAfterMs: number }
  | { readonly outcome: "failed" };

/** One session of a client at one gateway. */
export class Connection {
  readonly site: string;
  readonly #to: Address;
  readonly #socket: WebSocket;
  readonly #person: Person;
  readonly #options: ConnectionOptions;
  readonly #heartbeat: NodeJS.Timeout;
  /** In a row. */
  #unanswered = 0;
  #beats = 0;
  #sentAt = 0;

  private constructor(
    socket: WebSocket,
    to: Address,
    person: Person,
    options: ConnectionOptions,
    { site, heartbeatMs }: Extract<ServerMessage, { type: "welcome" }>,
  ) {
    this.site = site;
    this.#to = to;
    this.#socket = socket;
    this.#person = person;
    this.#options = options;
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
    this.#heartbeat.unref();
  }

  /** Connects to an address and logs in there. Never rejects. */
  static async open(to: Address, person: Person, options: ConnectionOptions): Promise<Attempt> {
    const { network, random, onNotice, onClosed } = options;
    const { uid, carrier, province } = person;
    const socket = new WebSocket(to.url, {
      perMessageDeflate: false,
      handshakeTimeout: WELCOME_WITHIN_MS,
      autoPong: false,
    });
    socket.on("ping", (payload: Buffer) => {
      const { loss, delayMs } = network(person, to.site);
      if (random() < loss) return;
      const pong = (): void => {
        if (socket.readyState === WebSocket.OPEN) socket.pong(payload);
      };
      if (delayMs > 0) setTimeout(pong, delayMs).unref();
      else pong();
    });
    return new Promise((resolve) => {
      let connection: Connection | null = null;
      const tooLate = setTimeout(() => socket.terminate(), WELCOME_WITHIN_MS);
      socket.on("error", () => undefined);
      socket.on("open", () =>
        socket.send(JSON.stringify({ type: "login", uid: String(uid), carrier, province })),
      );
      socket.on("close", (code) => {
        clearTimeout(tooLate);
        if (connection === null) return resolve({ outcome: "failed" });
        clearInterval(connection.#heartbeat);
        onClosed(connection, code);
      });
      socket.on("message", (data) => {
        const message = serverMessage.parse(JSON.parse((data as Buffer).toString("utf8")));
        switch (message.type) {
          case "welcome":
            clearTimeout(tooLate);
            connection = new Connection(socket, to, person, options, message);
            return resolve({ outcome: "welcome", connection });
          case "refused": {
            const { code, retryAfterMs } = message;
            return resolve({ outcome: "refused", code, retryAfterMs });
          }
          case "pong":
            if (connection !== null) connection.#answered(message.n);
            return;
          case "relogin":
            if (connection !== null) onNotice(connection, message);
        }
      });
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  leave(): void {
    this.#socket.close(1000);
  }

  #beat(): void {
    const { network, random, onBeat } = this.#options;
    if (this.#unanswered > 0) onBeat(this.#person, this.#to, null);
    if (this.#unanswered >= SILENT_HEARTBEATS) return this.#socket.terminate();
    this.#unanswered += 1;
    this.#beats += 1;
    this.#sentAt = performance.now();
    if (random() < network(this.#person, this.site).loss) return;
    this.#socket.send(JSON.stringify({ type: "ping", n: this.#beats }));
  }

  #answered(n: number): void {
    if (n !== this.#beats) return;
    this.#unanswered = 0;
    const { network, onBeat } = this.#options;
    const { delayMs } = network(this.#person, this.site);
    onBeat(this.#person, this.#to, performance.now() - this.#sentAt + delayMs);
  }
}
