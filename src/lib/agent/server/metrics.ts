import Gauge from "prom-client/lib/gauge.js";
import Histogram from "prom-client/lib/histogram.js";
import Registry from "prom-client/lib/registry.js";
import type { Engine } from "../../engines/contract.js";

/** The Prometheus metrics that every agent has. Gauges are read when somebody asks. */
export class Metrics {
  readonly registry = new Registry();
  readonly requests: Histogram<"method" | "route" | "status">;

  constructor(node: string, engine: Engine) {
    this.registry.setDefaultLabels({ node });
    this.requests = new Histogram({
      name: "ops_http_request_seconds",
      help: "Time to answer a request.",
      labelNames: ["method", "route", "status"],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers: [this.registry],
    });
    this.gauge("ops_store_bytes", "Size of the store on the disk.", () => engine.describe().bytes);
    this.gauge(
      "ops_open_views",
      "Pinned read transactions; each one stops page reuse.",
      () => engine.describe().openViews,
    );
  }

  /** A figure that is read when somebody asks. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  async text(): Promise<string> {
    return this.registry.metrics();
  }
}
