import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Engine } from "../../engines/contract.js";
import type { Acknowledgements } from "./acknowledgements.js";
import type { Holdings } from "./holdings.js";
import type { SyncTraffic } from "./sync-traffic.js";

/** The agent's Prometheus metrics. Gauges are read when somebody asks. */
export class Metrics {
  readonly #registry = new Registry();
  readonly requests: Histogram<"method" | "route" | "status">;
  readonly takeovers: Counter<"outcome">;
  readonly ackWaits: Histogram<"keyspace" | "acknowledged">;

  constructor(
    node: string,
    engine: Engine,
    holdings: Holdings,
    traffic: SyncTraffic,
    acks: Acknowledgements,
  ) {
    const registers = [this.#registry];
    this.#registry.setDefaultLabels({ node });
    this.requests = new Histogram({
      name: "ops_http_request_seconds",
      help: "Time to answer a request.",
      labelNames: ["method", "route", "status"],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    });
    this.takeovers = new Counter({
      name: "ops_takeovers_total",
      help: "Takeovers asked of this node, by how they ended.",
      labelNames: ["outcome"],
      registers,
    });
    this.ackWaits = new Histogram({
      name: "ops_ack_wait_seconds",
      help: "For how long a flushed write waited for a follower in another set, and whether one had it in time.",
      labelNames: ["keyspace", "acknowledged"],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    });
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    gauge("ops_store_bytes", "Size of the store on the disk.", () => engine.describe().bytes);
    gauge("ops_log_bytes", "Size of the change log.", () => engine.log().bytes);
    gauge("ops_log_last_sequence", "Last flushed sequence of the change log.", () =>
      Number(engine.log().last),
    );
    gauge(
      "ops_writes_waiting",
      "Writes that are being made or wait for a follower in another set.",
      () => acks.waiting,
    );
    gauge(
      "ops_open_views",
      "Pinned read transactions; each one stops page reuse.",
      () => engine.describe().openViews,
    );
    new Gauge({
      name: "ops_segments",
      help: "Segments held, by role.",
      labelNames: ["keyspace", "role"],
      registers,
      collect() {
        this.reset();
        for (const { keyspace, state } of holdings.all())
          this.inc({ keyspace, role: state.durable.role });
      },
    });
    const sync = (name: string, help: string, of: "sentBytes" | "plainBytes") =>
      new Counter({
        name,
        help,
        labelNames: ["keyspace", "region"],
        registers,
        collect() {
          this.reset();
          for (const { keyspace, region, ...count } of traffic.all())
            this.inc({ keyspace, region }, count[of]);
        },
      });
    sync(
      "ops_sync_sent_bytes_total",
      "Bytes of change streams sent to the followers of a region.",
      "sentBytes",
    );
    sync(
      "ops_sync_plain_bytes_total",
      "The same if every change had been sent, and not of a key the last one within a window.",
      "plainBytes",
    );
    new Gauge({
      name: "ops_replica_lag_seconds",
      help: "How stale the stalest copy that follows a source may be.",
      labelNames: ["keyspace", "source"],
      registers,
      collect() {
        this.reset();
        for (const { keyspace, entry, link } of holdings.all()) {
          const stale = link.staleMs();
          if (entry.link === null || stale === null) continue;
          this.set({ keyspace, source: entry.link.source.node }, stale / 1000);
        }
      },
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return this.#registry.metrics();
  }
}
