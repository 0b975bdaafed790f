import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import Histogram from "prom-client/lib/histogram.js";
import type { Engine } from "../../engines/contract.js";
import type { Acknowledgements } from "./acknowledgements.js";
import type { Holdings } from "./holdings.js";
import type { Metrics } from "./metrics.js";
import type { SyncTraffic } from "./sync-traffic.js";

/** The metrics of an agent that holds data. */
export class DataMetrics {
  readonly takeovers: Counter<"outcome">;
  readonly ackWaits: Histogram<"keyspace" | "acknowledged">;

  constructor(
    metrics: Metrics,
    engine: Engine,
    holdings: Holdings,
    traffic: SyncTraffic,
    acks: Acknowledgements,
  ) {
    const registers = [metrics.registry];
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
    metrics.gauge("ops_log_bytes", "Size of the change log.", () => engine.log().bytes);
    metrics.gauge("ops_log_last_sequence", "Last flushed sequence of the change log.", () =>
      Number(engine.log().last),
    );
    metrics.gauge(
      "ops_writes_waiting",
      "Writes that are being made or wait for a follower in another set.",
      () => acks.waiting,
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
}
