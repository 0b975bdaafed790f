import type { Session } from "./session.js";

const TICK_MS = 100;
/** After so many in a row without an answer the client is taken for gone. */
const MISSED_MAX = 3;

export interface HeartbeatEvents {
  /** A heartbeat came back after so long, or, null, has not come back before the next was due. */
  readonly onBeat: (session: Session, rttMs: number | null) => void;
  readonly onSilent: (session: Session) => void;
  readonly onSlow: (session: Session) => void;
}

/**
 * WebSocket pings to every session, spread evenly over the interval. A gateway that was stopped for a while goes on where it was
 * and does not take everybody for gone: it counts heartbeats, not time.
 */
export class Heartbeats {
  readonly #slots: readonly Set<Session>[];
  readonly #events: HeartbeatEvents;
  readonly #slotOf = new WeakMap<Session, Set<Session>>();
  #slot = 0;
  #joined = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(everyMs: number, events: HeartbeatEvents) {
    const slots = Math.max(1, Math.round(everyMs / TICK_MS));
    this.#slots = Array.from({ length: slots }, () => new Set<Session>());
    this.#events = events;
    this.#timer = setInterval(() => this.#tick(), everyMs / slots);
  }

  add(session: Session): void {
    this.#joined += 1;
    const slot = this.#slots[this.#joined % this.#slots.length]!;
    slot.add(session);
    this.#slotOf.set(session, slot);
  }

  remove(session: Session): void {
    this.#slotOf.get(session)?.delete(session);
  }

  /** The client answered the heartbeat with this payload. */
  answered(session: Session, payload: Buffer): void {
    session.missed = 0;
    if (session.pingedAt === 0 || payload.length !== 4) return;
    if (payload.readUInt32BE() !== session.pings) return;
    const rttMs = performance.now() - session.pingedAt;
    session.pingedAt = 0;
    this.#events.onBeat(session, rttMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.#slot = (this.#slot + 1) % this.#slots.length;
    for (const session of this.#slots[this.#slot]!) this.#beat(session);
  }

  #beat(session: Session): void {
    const { onBeat, onSilent, onSlow } = this.#events;
    if (session.pingedAt !== 0) {
      session.missed += 1;
      onBeat(session, null);
    }
    if (session.missed >= MISSED_MAX) return onSilent(session);
    if (!session.isReading) return onSlow(session);
    session.messages = 0;
    session.pings = (session.pings + 1) >>> 0;
    session.pingedAt = performance.now();
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32BE(session.pings);
    session.socket.ping(payload, false);
  }
}
