import { Admission } from "./admission.js";
import { batch, type BatchResult } from "./batch.js";
import { bytesOf, type BatchOp } from "./batch-wire.js";
import { addressOf, type Context } from "./context.js";
import { ClientError } from "./errors.js";
import { Lanes } from "./lanes.js";
import { Metrics, type ClientMetrics } from "./metrics.js";
import { settingsOf, type ClientOptions } from "./options.js";
import { read, type Found } from "./reads.js";
import { RecentWrites } from "./recent-writes.js";
import { Routes } from "./routes.js";
import { Suspects } from "./suspects.js";
import { Transport } from "./transport.js";
import { write, type Written } from "./writes.js";

export interface GetOptions {
  /** The read must see at least this: the `position` of a write or of an earlier read of the same key. */
  readonly minPosition?: string;
}

/**
 * The router of a logic server. Keys are `{uid}` or `{uid}/{name}`. Every access follows the route tables of the agents, redirects
 * and fences until the deadline. Methods reject with `ClientError` (nothing changed), `UnknownOutcome` (a write whose answer never
 * came) or OpsError `bad-key`. Writes of one key take effect in the order of the calls.
 */
export interface Client {
  /** The value of a key at the nearest copy, null when there is none. */
  get(keyspace: string, key: string, options?: GetOptions): Promise<Found | null>;
  /** Resolves once the write is on the disk of its node. At most 1 MiB. */
  put(keyspace: string, key: string, value: Uint8Array | string): Promise<Written>;
  /** Also of a key that is not there. */
  delete(keyspace: string, key: string): Promise<Written>;
  /** Many accesses with few requests. One result for each op, in order; never rejects for a single op's sake. */
  batch(keyspace: string, ops: readonly BatchOp[]): Promise<BatchResult[]>;
  metrics(): ClientMetrics;
  /** Ends the connections; what is under way fails, writes with `UnknownOutcome`. Until then the process stays alive. */
  close(): Promise<void>;
}

/** Throws RangeError for options that cannot be meant. The route tables are asked for at once, in the background. */
export function createClient(options: ClientOptions): Client {
  const settings = settingsOf(options);
  // The long-poll for routes has a connection beside those of accesses, a nudge another one.
  const transport = new Transport(settings.maxInFlight + 2);
  const admission = new Admission(settings.maxInFlight, settings.maxQueued);
  const metrics = new Metrics();
  const context: Context = {
    settings,
    transport,
    admission,
    routes: new Routes(settings.agents, transport),
    lanes: new Lanes(),
    metrics,
    recent: new RecentWrites(),
    suspects: new Suspects(),
  };
  let closed = false;
  const access = <T>(work: () => Promise<T>): Promise<T> => {
    if (closed) return Promise.reject(new ClientError("closed", "the client is closed"));
    return admission.access(work);
  };

  return {
    get: (keyspace, key, { minPosition } = {}) =>
      access(() =>
        read(context, addressOf(keyspace, key), minPosition ?? context.recent.of(keyspace, key)),
      ),
    put: (keyspace, key, value) =>
      access(() => write(context, addressOf(keyspace, key), bytesOf(value))),
    delete: (keyspace, key) => access(() => write(context, addressOf(keyspace, key), null)),
    batch: (keyspace, ops) => access(() => batch(context, keyspace, ops)),
    metrics: () =>
      metrics.snapshot({
        inFlight: admission.inFlight,
        queued: admission.queued,
        routes: context.routes.versions(),
      }),
    async close() {
      closed = true;
      context.routes.close();
      await transport.close();
    },
  };
}
