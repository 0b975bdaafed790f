import { Agent, request } from "node:http";
import { z } from "zod";
import { type Address, address } from "../../access/gateway/messages.js";
import type { Report } from "./reports.js";

const ANSWER_WITHIN_MS = 3_000;
const answer = z.object({ version: z.int(), addresses: z.array(address) });
const taken = z.object({ version: z.int(), gone: z.array(z.string()) });

/** Where a user may log in, by the policy of a version. */
export interface Offer {
  readonly version: number;
  readonly addresses: readonly Address[];
}

/** URLs that are offered to nobody by the policy of a version. */
export interface Gone {
  readonly version: number;
  readonly gone: readonly string[];
}

/** Who logs in, and over what. */
export interface Person {
  readonly uid: bigint;
  readonly carrier: string;
  readonly province: string;
}

/** Asks the dispatchers where to log in: any one of them, and the next when it does not answer. */
export class DispatchClient {
  readonly #urls: readonly string[];
  readonly #random: () => number;
  readonly #connections = new Agent({ keepAlive: true, maxSockets: 16 });

  constructor(urls: readonly string[], random: () => number) {
    this.#urls = urls;
    this.#random = random;
  }

  /** Null when no dispatcher answers. */
  async offer({ uid, carrier, province }: Person): Promise<Offer | null> {
    const query = new URLSearchParams({ uid: String(uid), carrier, province }).toString();
    const first = Math.floor(this.#random() * this.#urls.length);
    for (let i = 0; i < this.#urls.length; i += 1) {
      const url = this.#urls[(first + i) % this.#urls.length]!;
      const text = await this.#ask(`${url}/v1/dispatch?${query}`);
      const said = text === null ? null : answer.safeParse(JSON.parse(text));
      if (said?.success === true) return said.data;
    }
    return null;
  }

  /** To one of them; a report that does not arrive is lost. Null where nobody says what is gone, or not by which policy. */
  async report(reports: readonly Report[]): Promise<Gone | null> {
    if (reports.length === 0) return null;
    const url = this.#urls[Math.floor(this.#random() * this.#urls.length)]!;
    const text = await this.#ask(`${url}/v1/quality`, JSON.stringify({ reports }));
    const said = text === null ? null : taken.safeParse(JSON.parse(text));
    return said?.success === true ? said.data : null;
  }

  close(): void {
    this.#connections.destroy();
  }

  /** Null when there is no answer, or a problem. */
  #ask(url: string, body?: string): Promise<string | null> {
    return new Promise((resolve) => {
      const to = request(url, {
        method: body === undefined ? "GET" : "POST",
        headers: body === undefined ? {} : { "content-type": "application/json" },
        agent: this.#connections,
        timeout: ANSWER_WITHIN_MS,
      });
      to.on("timeout", () => to.destroy());
      to.on("error", () => resolve(null));
      to.on("response", (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("error", () => resolve(null));
        response.on("end", () =>
          resolve(response.statusCode === 200 ? Buffer.concat(parts).toString("utf8") : null),
        );
      });
      to.end(body);
    });
  }
}
