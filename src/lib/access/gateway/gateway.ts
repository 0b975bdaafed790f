import type { WebSocket } from "ws";
import { Quality, type QualityFigure } from "../quality.js";
import { RateWindow } from "../rate-window.js";
import {
  type Departure,
  type DepartureFigures,
  Departures,
  type DepartureTask,
  type EntryFigures,
  type Relogin,
  type SessionPlace,
} from "./departures.js";
import { countElsewhere, type ElsewhereGroup } from "./elsewhere.js";
import { Endpoint } from "./endpoint.js";
import { Heartbeats } from "./heartbeats.js";
import { Lateness } from "./lateness.js";
import { LoginThrottle } from "./login-throttle.js";
import { type Address, type ClientMessage, CLOSE, type ServerMessage } from "./messages.js";
import { Registry } from "./registry.js";
import { closeSocket, type Group, Session } from "./session.js";
import { SharedCount } from "./shared-count.js";

/** Who is told that the site is full comes back after this, spread over as long again. */
const FULL_RETRY_MS = 10_000;
const QUALITY = { halfLifeMs: 60_000, minSamples: 20, waysMax: 4_096 };

export interface GatewayOptions {
  readonly site: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly ports: readonly number[];
  readonly loginsPerSecond: number;
  readonly maxSessions: number;
  readonly heartbeatMs: number;
  /** From connecting to the login. */
  readonly loginWithinMs: number;
  /** Where a session belongs now, best first; empty when nobody knows. */
  readonly addressesFor: (session: SessionPlace) => readonly Address[];
  /** The site to which the user belongs, whatever is masked; null when nobody knows. */
  readonly homeOf: (session: SessionPlace) => string | null;
  /** Whether the site is strongly disabled for this user: then it takes no login either. */
  readonly isClosedTo: (session: SessionPlace) => boolean;
}

export interface GatewayFigures {
  readonly site: string;
  readonly sessions: number;
  readonly maxSessions: number;
  readonly groups: readonly Group[];
  readonly logins: {
    readonly limit: number;
    /** In the last second. */
    readonly perSecond: number;
    /** Most in any second of the last ten minutes. */
    readonly peak: number;
    readonly total: number;
    readonly refused: number;
    /** Those who were refused and are expected back. */
    readonly waiting: number;
  };
  /** How long 99 of 100 waits in the process take at most, these seconds. */
  readonly p99LateMs: number;
  readonly entries: readonly EntryFigures[];
  readonly quality: readonly QualityFigure[];
}

/** A site's gateway: holds real WebSocket sessions. See docs/access-protocol.md. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #registry = new Registry();
  readonly #endpoint: Endpoint;
  readonly #heartbeats: Heartbeats;
  readonly #lateness = new Lateness();
  readonly #departures: Departures;
  readonly #throttle: LoginThrottle;
  readonly #logins: RateWindow;
  readonly #elsewhere: SharedCount<ElsewhereGroup[]>;
  /** Of the ways of its users to it. */
  readonly quality = new Quality(QUALITY);
  #refused = 0;
  #stopping = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const now = performance.now();
    this.#throttle = new LoginThrottle(options.loginsPerSecond, now);
    this.#logins = new RateWindow(now);
    this.#elsewhere = new SharedCount(
      () => countElsewhere(this.#registry.all(), options.site, options.homeOf),
      () => performance.now(),
    );
    this.#heartbeats = new Heartbeats(options.heartbeatMs, {
      onBeat: (session, rttMs) => this.#beat(session, rttMs),
      onSilent: (session) => this.#cut(session),
      onSlow: (session) => this.#close(session, CLOSE.slow, "what it was sent is not read"),
    });
    this.#departures = new Departures({
      registry: this.#registry,
      site: options.site,
      addressesFor: options.addressesFor,
      notify: (session, { entry, withinMs }, addresses) =>
        this.#send(session, { type: "relogin", entry, addresses: [...addresses], withinMs }),
      close: (session, why) => this.#close(session, CLOSE[why], why),
    });
    this.#endpoint = new Endpoint({
      ...options,
      onLogin: (login, socket, port) => this.#login(login, socket, port),
      onPing: (session, n) => void this.#send(session, { type: "pong", n }),
      onPong: (session, payload) => this.#heartbeats.answered(session, payload),
      onGone: (session) => this.#gone(session),
    });
  }

  get site(): string {
    return this.#options.site;
  }

  /** Of the ports, in their order; once it listens. */
  get addresses(): Address[] {
    const { site, host } = this.#options;
    const name = host.includes(":") ? `[${host}]` : host;
    return this.#endpoint.ports.map((port) => ({ site, url: `ws://${name}:${port}`, port }));
  }

  async listen(): Promise<void> {
    await this.#endpoint.listen();
  }

  figures(): GatewayFigures {
    const { site, maxSessions } = this.#options;
    const now = performance.now();
    return {
      site,
      sessions: this.#registry.size,
      maxSessions,
      groups: this.#registry.groups,
      logins: {
        limit: this.#throttle.perSecond,
        perSecond: this.#logins.perSecond(now),
        peak: this.#logins.peak(now),
        total: this.#logins.total,
        refused: this.#refused,
        waiting: this.#throttle.waiting(now),
      },
      p99LateMs: this.#lateness.p99Ms,
      entries: this.#departures.figures,
      quality: this.quality.figures(now),
    };
  }

  /** Sessions of users who do not belong to this site; as they were up to two seconds ago. */
  async elsewhere(): Promise<ElsewhereGroup[]> {
    return this.#elsewhere.ask();
  }

  /** Users may belong to other sites than they did. */
  homesChanged(): void {
    this.#elsewhere.forget();
  }

  /** Tells sessions to log in elsewhere, at a pace. Throws `Superseded`, or the signal's reason. */
  async relogin(relogin: Relogin, task: DepartureTask): Promise<DepartureFigures> {
    return this.#departures.relogin(relogin, task).finally(() => this.#elsewhere.forget());
  }

  /** Closes sessions, at a pace. Throws as `relogin` does. */
  async disconnect(departure: Departure, task: DepartureTask): Promise<DepartureFigures> {
    return this.#departures.disconnect(departure, task).finally(() => this.#elsewhere.forget());
  }

  /** Ends every session; nobody may come any more. */
  close(): void {
    this.#stopping = true;
    this.#heartbeats.close();
    this.#lateness.close();
    this.#endpoint.close();
    for (const session of this.#registry.all()) this.#close(session, CLOSE.stopping, "stopping");
  }

  #login(
    { uid, carrier, province }: Extract<ClientMessage, { type: "login" }>,
    socket: WebSocket,
    port: number,
  ): Session | null {
    const { site, maxSessions, heartbeatMs, isClosedTo } = this.#options;
    const group = this.#registry.group(carrier, province, port);
    const now = performance.now();
    if (this.#stopping) return this.#refuse(socket, "stopping", FULL_RETRY_MS);
    if (isClosedTo({ uid, group })) return this.#refuse(socket, "elsewhere", 0);
    if (this.#registry.size >= maxSessions)
      return this.#refuse(socket, "full", FULL_RETRY_MS * (1 + Math.random()));
    const admission = this.#throttle.ask(uid, now);
    if (!admission.admitted) return this.#refuse(socket, "busy", admission.retryAfterMs);
    const session = new Session(uid, group, socket);
    this.#registry.add(session);
    this.#heartbeats.add(session);
    this.#logins.add(now);
    this.#send(session, { type: "welcome", site, heartbeatMs });
    return session;
  }

  #refuse(
    socket: WebSocket,
    code: Extract<ServerMessage, { type: "refused" }>["code"],
    retryAfterMs: number,
  ): null {
    this.#refused += 1;
    const refusal: ServerMessage = { type: "refused", code, retryAfterMs: Math.ceil(retryAfterMs) };
    socket.send(JSON.stringify(refusal));
    closeSocket(socket, CLOSE.busy, code);
    return null;
  }

  /** False when it does not read, and was closed for that. */
  #send(session: Session, message: ServerMessage): boolean {
    if (!session.isReading) {
      this.#close(session, CLOSE.slow, "what it was sent is not read");
      return false;
    }
    session.socket.send(JSON.stringify(message));
    return true;
  }

  #beat(session: Session, rttMs: number | null): void {
    const { carrier, province } = session.group;
    const way = { carrier, province, site: this.#options.site, url: null };
    const lost = rttMs === null ? 1 : 0;
    this.quality.add(way, { rttMs, sent: 1, lost }, performance.now());
  }

  #close(session: Session, code: number, reason: string): void {
    this.#gone(session);
    closeSocket(session.socket, code, reason);
  }

  /** Without a word: nobody would read it. */
  #cut(session: Session): void {
    this.#gone(session);
    session.socket.terminate();
  }

  #gone(session: Session): void {
    if (!this.#registry.remove(session)) return;
    this.#heartbeats.remove(session);
    this.#departures.gone(session);
  }
}
