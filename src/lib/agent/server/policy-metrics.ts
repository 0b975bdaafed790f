import Gauge from "prom-client/lib/gauge.js";
import type { Metrics } from "./metrics.js";
import type { Policy } from "./policy.js";
import type { Ramps } from "./ramps.js";

/** What every agent tells that has the policy of the control plane. */
export function policyMetrics(metrics: Metrics, policy: Policy, ramps: Ramps): void {
  metrics.gauge(
    "ops_policy_version",
    "Version of the policy document; 0 for none.",
    () => policy.document?.version ?? 0,
  );
  new Gauge({
    name: "ops_policy_entry_level",
    help: "The share of its users that each entry keeps away.",
    labelNames: ["entry", "held"],
    registers: [metrics.registry],
    collect() {
      this.reset();
      for (const { entry, level, held } of ramps.told())
        this.set({ entry, held: String(held) }, level);
    },
  });
}
