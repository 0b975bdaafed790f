import type { Address } from "../../access/gateway/messages.js";
import type { Person } from "./dispatch-client.js";

/** Most heartbeats in one report. */
const SENT_MAX = 1_000;

/** What users saw of the way to a site, as `POST /v1/quality` takes it. */
export interface Report {
  readonly carrier: string;
  readonly province: string;
  readonly site: string;
  readonly url: string;
  readonly rttMs: number | null;
  readonly sent: number;
  readonly lost: number;
}

interface Sums extends Pick<Report, "carrier" | "province" | "site" | "url"> {
  sent: number;
  lost: number;
  rttMs: number;
}

/** Heartbeats of all users, by the kind of user and address, until they are reported. */
export class Reports {
  #sums = new Map<string, Sums>();

  /** Null: lost. */
  readonly add = (
    { carrier, province }: Person,
    { site, url }: Address,
    rttMs: number | null,
  ): void => {
    const key = `${carrier}\n${province}\n${url}`;
    const none = { carrier, province, site, url, sent: 0, lost: 0, rttMs: 0 };
    const sums = this.#sums.get(key) ?? none;
    this.#sums.set(key, sums);
    if (sums.sent === SENT_MAX) return;
    sums.sent += 1;
    if (rttMs === null) sums.lost += 1;
    else sums.rttMs += rttMs;
  };

  /** All since the last time. */
  take(): Report[] {
    const sums = [...this.#sums.values()];
    this.#sums = new Map();
    return sums.map(({ rttMs, ...one }) => {
      const back = one.sent - one.lost;
      return { ...one, rttMs: back === 0 ? null : rttMs / back };
    });
  }
}
