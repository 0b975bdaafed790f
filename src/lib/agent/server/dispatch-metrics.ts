import Counter from "prom-client/lib/counter.js";
import type { Metrics } from "./metrics.js";

/** The metrics of a dispatcher. */
export class DispatchMetrics {
  /** `site` is `none` where everything is masked. */
  readonly answers: Counter<"site">;

  constructor(metrics: Metrics) {
    this.answers = new Counter({
      name: "ops_dispatch_answers_total",
      help: "Logins that were told where to go, by site.",
      labelNames: ["site"],
      registers: [metrics.registry],
    });
  }
}
