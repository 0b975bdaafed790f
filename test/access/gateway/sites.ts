import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Gateway, type GatewayOptions } from "../../../src/lib/access/gateway/gateway.js";
import type { Address } from "../../../src/lib/access/gateway/messages.js";
import { Crowd, type CrowdOptions } from "../../../src/lib/demo/sessions/crowd.js";
import type { Person } from "../../../src/lib/demo/sessions/dispatch-client.js";

const CARRIERS = ["telecom", "unicom", "mobile"];
/** Of the policy. */
export const VERSION = 5;
const PROVINCES = ["guangdong", "sichuan"];

/** Gateways of this process at real ports, and a dispatcher by which users are spread evenly over those that are not masked. */
export class Sites {
  readonly gateways = new Map<string, Gateway>();
  readonly masked = new Set<string>();
  /** What a report of quality is answered. */
  taken: object = { version: VERSION, gone: [] };
  readonly #crowds: Crowd[] = [];
  readonly #dispatch: Server;

  private constructor(dispatch: Server) {
    this.#dispatch = dispatch;
  }

  static async start(sites: Readonly<Record<string, Partial<GatewayOptions>>>): Promise<Sites> {
    const server = createServer((request, response) => {
      const uid = new URL(request.url!, "http://x").searchParams.get("uid");
      // Without one it is a report of quality.
      if (uid === null) return void response.end(JSON.stringify(started.taken));
      const addresses = started.addressesFor(BigInt(uid));
      response.end(JSON.stringify({ version: VERSION, addresses }));
    });
    const started: Sites = new Sites(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    for (const [site, options] of Object.entries(sites)) {
      const gateway = new Gateway({
        site,
        host: "127.0.0.1",
        ports: [0],
        loginsPerSecond: 10_000,
        maxSessions: 10_000,
        heartbeatMs: 1_000,
        loginWithinMs: 5_000,
        isClosedTo: () => false,
        addressesFor: ({ uid }) => started.addressesFor(uid),
        homeOf: ({ uid }) => started.addressesFor(uid)[0]?.site ?? null,
        ...options,
      });
      await gateway.listen();
      started.gateways.set(site, gateway);
    }
    return started;
  }

  gateway(site: string): Gateway {
    return this.gateways.get(site)!;
  }

  addressesFor(uid: bigint): Address[] {
    const open = [...this.gateways].filter(([site]) => !this.masked.has(site));
    const first = Number(uid % BigInt(Math.max(1, open.length)));
    return [...open.slice(first), ...open.slice(0, first)].flatMap(
      ([, gateway]) => gateway.addresses,
    );
  }

  get dispatchUrl(): string {
    return `http://127.0.0.1:${(this.#dispatch.address() as AddressInfo).port}`;
  }

  crowd(users: number, options: Partial<CrowdOptions> = {}): Crowd {
    const people = Array.from({ length: users }, (_, i) => personOf(i));
    const crowd = new Crowd({
      people,
      dispatch: [this.dispatchUrl],
      random: Math.random,
      ...options,
    });
    this.#crowds.push(crowd);
    return crowd;
  }

  stop(): void {
    for (const crowd of this.#crowds) crowd.stop();
    for (const gateway of this.gateways.values()) gateway.close();
    this.#dispatch.close();
    this.#dispatch.closeAllConnections();
  }
}

export function personOf(i: number): Person {
  return {
    uid: BigInt(i),
    carrier: CARRIERS[i % CARRIERS.length]!,
    province: PROVINCES[i % PROVINCES.length]!,
  };
}
