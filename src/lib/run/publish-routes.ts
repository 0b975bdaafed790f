import type { RouteTable } from "../routing/table.js";
import { decodeTable, encodeTable } from "../routing/wire.js";
import type { StateStore } from "../state/contract.js";
import { type PublishingRoutes, type RouteChange, keyspaceScope } from "./context.js";
import { type Publication, Publisher, type PublisherContext } from "./publish.js";

/** Where route tables come from and go to: one publisher for each keyspace. */
export class RoutesPublisher implements PublishingRoutes {
  readonly #context: PublisherContext;
  readonly #silent: Set<string>;
  readonly #publishers = new Map<string, Publisher<RouteTable>>();

  constructor(context: PublisherContext, silent: Set<string>) {
    this.#context = context;
    this.#silent = silent;
  }

  current(keyspace: string): Promise<RouteTable | null> {
    return this.#of(keyspace).current();
  }

  publish(
    step: string | null,
    keyspace: string,
    change: RouteChange,
    needed: readonly string[],
  ): Promise<readonly string[]> {
    return this.#of(keyspace).publish(step, change, needed);
  }

  #of(keyspace: string): Publisher<RouteTable> {
    const known = this.#publishers.get(keyspace);
    if (known !== undefined) return known;
    const made = new Publisher(this.#context, routesOf(keyspace), this.#silent);
    this.#publishers.set(keyspace, made);
    return made;
  }
}

/** The table that the store has; null for a keyspace that was never published. */
export async function readTable(store: StateStore, keyspace: string): Promise<RouteTable | null> {
  const stored = await store.routes(keyspace);
  return stored === null ? null : decodeTable(JSON.parse(stored.text));
}

function routesOf(keyspace: string): Publication<RouteTable> {
  return {
    scope: keyspaceScope(keyspace),
    what: `the routes of ${keyspace}`,
    stored: (store) => readTable(store, keyspace),
    keep: (store, version, text) => store.putRoutes(keyspace, { version, text }),
    ask: async (agent) =>
      (await agent.routes()).tables.filter((table) => table.keyspace === keyspace),
    tell: (agent, table, authority) => agent.putRoutes(table, authority),
    text: (table) => JSON.stringify(encodeTable(table)),
    meant: (status) => status?.routes.get(keyspace) ?? null,
    intent: (step, version, hash) => ({ type: "routes.intent", step, keyspace, version, hash }),
    published: (version, missing) => ({
      record: { type: "routes.published", keyspace, version, missing },
      event: { type: "routes", keyspace, version, missing },
    }),
  };
}
