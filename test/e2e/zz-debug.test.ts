import { readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { it } from "vitest";
import { Expansion } from "./expansion.js";
it("debug", async () => {
  const x = await Expansion.start({ perLink: "50kB/s" });
  x.open();
  const log = (s: string) =>
    process.stderr.write(`DBG ${new Date().toISOString().slice(14, 23)} ${s}\n`);
  try {
    for (let i = 0; i < 3; i++) {
      for (const args of [
        ["shard", "apply", x.plan, "--yes"],
        ["shard", "rollback", "", "--yes"],
      ]) {
        if (args[1] === "rollback") args[2] = await x.lastRun();
        const r = x.begin(args);
        let seen = 0;
        let at = performance.now();
        let dumped = false;
        const tick = setInterval(() => {
          for (; seen < (r as any).lines.length; seen++) {
            const e = (r as any).lines[seen];
            if (performance.now() - at > 1500)
              log(
                `gap ${Math.round(performance.now() - at)} before ${JSON.stringify(e).slice(0, 300)}`,
              );
            at = performance.now();
            dumped = false;
            if (["retry", "routes"].includes(e.type)) log(JSON.stringify(e).slice(0, 400));
          }
          if (performance.now() - at > 5000 && !dumped) {
            dumped = true;
            log(`STALL after ${JSON.stringify((r as any).lines.at(-1)).slice(0, 300)}`);
            for (const [n, u] of Object.entries(x.cluster.urls)) {
              fetch(`${u}/v1/node`, { signal: AbortSignal.timeout(2000) }).then(
                async (a) => log(`${n} ok ${(await a.text()).slice(0, 4000)}`),
                (e) => {
                  const pid = x.cluster.pid(n);
                  log(`${n} NO ${e} ${readFileSync(`/proc/${pid}/stat`, "utf8").slice(0, 150)}`);
                  log(
                    spawnSync(
                      "bash",
                      [
                        "-c",
                        `for t in /proc/${pid}/task/*; do echo $(cat $t/comm) $(cut -d' ' -f3,14,15 $t/stat) $(cat $t/wchan) $(cat $t/syscall 2>/dev/null | cut -c1-60); done; tail -5 ${x.cluster.dir}/agents/${n}/agent.log`,
                      ],
                      { encoding: "utf8" },
                    ).stdout,
                  );
                },
              );
            }
          }
        }, 100);
        const t0 = performance.now();
        const end = await r.ended;
        clearInterval(tick);
        log(
          `${args[1]} ${end.code} ${Math.round(performance.now() - t0)} ms ${JSON.stringify(end.lines.at(-1)).slice(0, 500)}`,
        );
      }
    }
    log(JSON.stringify(await x.verdict()));
  } finally {
    await x.stop();
  }
}, 600_000);
