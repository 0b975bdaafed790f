import { Counter, Gauge } from "prom-client";
import type { Metrics } from "./metrics.js";
import type { Policy } from "./policy.js";
import type { Ramps } from "./ramps.js";

/** The metrics of a dispatcher. */
export class DispatchMetrics {
  /** `site` is `none` where everything is masked. */
  readonly answers: Counter<"site">;

  constructor(metrics: Metrics, policy: Policy, ramps: Ramps) {
    const registers = [metrics.registry];
    this.answers = new Counter({
      name: "ops_dispatch_answers_total",
      help: "Logins that were told where to go, by site.",
      labelNames: ["site"],
      registers,
    });
    metrics.gauge(
      "ops_policy_version",
      "Version of the policy document; 0 for none.",
      () => policy.document?.version ?? 0,
    );
    new Gauge({
      name: "ops_policy_entry_level",
      help: "The share of its users that each entry keeps away.",
      labelNames: ["entry", "held"],
      registers,
      collect() {
        this.reset();
        for (const { entry, level, held } of ramps.told())
          this.set({ entry, held: String(held) }, level);
      },
    });
  }
}
