import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import type { Gateway } from "../../access/gateway/gateway.js";
import type { Metrics } from "./metrics.js";

/** What a gateway adds to an agent's metrics. */
export function gatewayMetrics(metrics: Metrics, gateway: Gateway): void {
  const registers = [metrics.registry];
  new Gauge({
    name: "ops_sessions",
    help: "Users who are logged in.",
    labelNames: ["carrier", "province", "port"],
    registers,
    collect() {
      this.reset();
      for (const { carrier, province, port, sessions } of gateway.figures().groups)
        this.set({ carrier, province, port: String(port) }, sessions);
    },
  });
  metrics.gauge(
    "ops_login_rate",
    "Logins in the last second.",
    () => gateway.figures().logins.perSecond,
  );
  metrics.gauge(
    "ops_login_rate_peak",
    "Most logins in any second of the last ten minutes.",
    () => gateway.figures().logins.peak,
  );
  metrics.gauge(
    "ops_login_rate_limit",
    "Most logins a second that the gateway takes.",
    () => gateway.figures().logins.limit,
  );
  new Counter({
    name: "ops_logins_total",
    help: "Logins, by how they ended.",
    labelNames: ["outcome"],
    registers,
    collect() {
      this.reset();
      const { total, refused } = gateway.figures().logins;
      this.inc({ outcome: "welcome" }, total);
      this.inc({ outcome: "refused" }, refused);
    },
  });
  new Counter({
    name: "ops_departures_total",
    help: "Sessions that were asked to leave, and how they went.",
    labelNames: ["how"],
    registers,
    collect() {
      this.reset();
      for (const entry of gateway.figures().entries)
        for (const how of ["told", "left", "overdue", "disconnected"] as const)
          this.inc({ how }, entry[how]);
    },
  });
  const quality = (name: string, help: string, of: "rttMs" | "loss", unit: number) =>
    new Gauge({
      name,
      help,
      labelNames: ["carrier", "province"],
      registers,
      collect() {
        this.reset();
        for (const { carrier, province, ...figures } of gateway.figures().quality) {
          const value = figures[of];
          if (value !== null) this.set({ carrier, province }, value * unit);
        }
      },
    });
  quality("ops_heartbeat_seconds", "Mean round trip of heartbeats, decayed.", "rttMs", 0.001);
  quality("ops_heartbeat_loss", "Share of heartbeats without an answer, decayed.", "loss", 1);
}
