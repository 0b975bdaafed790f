import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import {
  type ClientMessage,
  clientMessage,
  CLOSE,
  MAX_MESSAGE_BYTES,
  type ServerMessage,
} from "./messages.js";
import { closeSocket, type Session } from "./session.js";

/** Connections beyond the sessions: those who have not logged in yet, and those who are being refused. */
const EXTRA_CONNECTIONS = 2_000;
/** Between two heartbeats. */
const MESSAGES_MAX = 100;
/** Pings of who has not logged in: a probe of the way to the site. */
const PROBE_PINGS_MAX = 20;

export interface EndpointOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly ports: readonly number[];
  readonly maxSessions: number;
  /** From connecting to the login. */
  readonly loginWithinMs: number;
  /** Null when it was refused, and told so. */
  readonly onLogin: (
    login: Extract<ClientMessage, { type: "login" }>,
    socket: WebSocket,
    port: number,
  ) => Session | null;
  readonly onPing: (session: Session, n: number) => void;
  readonly onPong: (session: Session, payload: Buffer) => void;
  readonly onGone: (session: Session) => void;
}

/** The WebSocket connections: bounded in number, size and time, and each without a session until it has logged in. */
export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #sockets: WebSocketServer;
  readonly #servers: Server[] = [];
  /** Those who have not logged in, and until when they may; the first come first. */
  readonly #silent = new Map<WebSocket, number>();
  readonly #sweep: NodeJS.Timeout;
  ports: readonly number[] = [];

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      maxFragments: 4,
      // By hand, so that they can be counted.
      autoPong: false,
    });
    this.#sweep = setInterval(() => this.#closeSilent(), 250);
  }

  async listen(): Promise<void> {
    for (const port of this.#options.ports) this.#servers.push(await this.#open(port));
    this.ports = this.#servers.map((server) => (server.address() as AddressInfo).port);
  }

  /** Takes no more connections. WebSockets that are there stay; for those who never asked for one a closed server has no deadline. */
  close(): void {
    clearInterval(this.#sweep);
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    for (const socket of this.#silent.keys()) closeSocket(socket, CLOSE.stopping, "stopping");
  }

  async #open(port: number): Promise<Server> {
    const server = createServer({ connectionsCheckingInterval: 500 }, (_request, response) => {
      response.writeHead(426, { connection: "close", upgrade: "websocket" }).end();
    });
    server.maxConnections = this.#options.maxSessions + EXTRA_CONNECTIONS;
    server.headersTimeout = this.#options.loginWithinMs;
    server.requestTimeout = this.#options.loginWithinMs;
    server.on("upgrade", (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (opened) =>
        this.#opened(opened, (server.address() as AddressInfo | null)?.port ?? port),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, host: this.#options.host, backlog: 4_096 }, () => resolve());
    });
    return server;
  }

  #opened(socket: WebSocket, port: number): void {
    const { loginWithinMs, onLogin, onPing, onPong, onGone } = this.#options;
    let session: Session | null = null;
    let probes = 0;
    this.#silent.set(socket, performance.now() + loginWithinMs);
    // What went wrong shows in the close that follows.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#silent.delete(socket);
      if (session !== null) onGone(session);
    });
    socket.on("pong", (payload) => {
      if (session !== null) onPong(session, payload);
    });
    /** Whether the client may ask for something now; closes it when it asks too much. */
    const mayAsk = (by: Session): boolean => {
      by.messages += 1;
      if (by.messages <= MESSAGES_MAX) return true;
      closeSocket(socket, CLOSE.violation, "too many messages");
      return false;
    };
    socket.on("ping", (payload) => {
      if (socket.readyState === socket.OPEN && session !== null && mayAsk(session))
        socket.pong(payload, false);
    });
    socket.on("message", (data, isBinary) => {
      if (socket.readyState !== socket.OPEN) return;
      const message = isBinary ? null : read(data as Buffer);
      if (message?.type === "login" && session === null) {
        this.#silent.delete(socket);
        session = onLogin(message, socket, port);
      } else if (message?.type === "ping" && session !== null) {
        if (mayAsk(session)) onPing(session, message.n);
      } else if (message?.type === "ping" && (probes += 1) <= PROBE_PINGS_MAX) {
        socket.send(JSON.stringify({ type: "pong", n: message.n } satisfies ServerMessage));
      } else {
        closeSocket(socket, CLOSE.violation, "no message of this protocol");
      }
    });
  }

  #closeSilent(): void {
    const now = performance.now();
    for (const [socket, until] of this.#silent) {
      if (until > now) return;
      this.#silent.delete(socket);
      closeSocket(socket, CLOSE.noLogin, "no login");
    }
  }
}

function read(data: Buffer): ClientMessage | null {
  try {
    return clientMessage.safeParse(JSON.parse(data.toString("utf8"))).data ?? null;
  } catch {
    return null;
  }
}
