import type { WebSocket } from "ws";

/** A kind of users at one port. */
export interface Group {
  readonly carrier: string;
  readonly province: string;
  readonly port: number;
  sessions: number;
}

/** Above so many bytes that the client has not read, it is taken for stuck. */
const UNREAD_BYTES = 64 * 1024;
const CLOSE_MS = 2_000;

/** One user who is logged in. There are many: only what is needed. */
export class Session {
  readonly uid: bigint;
  readonly group: Group;
  readonly socket: WebSocket;
  /** Entries on whose account it was told to leave, and until when. */
  told: Map<string, number> | null = null;
  /** When the heartbeat that is not answered yet was sent; 0 when there is none. */
  pingedAt = 0;
  pings = 0;
  /** Heartbeats in a row without an answer. */
  missed = 0;
  /** Messages since the last heartbeat. */
  messages = 0;

  constructor(uid: bigint, group: Group, socket: WebSocket) {
    this.uid = uid;
    this.group = group;
    this.socket = socket;
  }

  /** Whether the client keeps up with what it is sent. */
  get isReading(): boolean {
    return this.socket.bufferedAmount <= UNREAD_BYTES;
  }
}

/** Closes it as the protocol has it, and cuts it when the other side does not answer. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason);
  const timer = setTimeout(() => socket.terminate(), CLOSE_MS);
  timer.unref();
  socket.once("close", () => clearTimeout(timer));
}
