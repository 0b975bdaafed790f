import { randomBytes } from "node:crypto";
import { hostname, userInfo } from "node:os";
import type { Command } from "@oclif/core";
import { BaseCommand } from "../cli/base.js";
import type { Progress } from "../cli/progress.js";
import { onStopSignals } from "../cli/signals.js";
import { EXIT } from "../errors.js";
import type { LogEntry } from "../report/run-events.js";
import type { RunEvent } from "../run/events.js";
import type { Preview } from "../run/preview.js";
import type { RunEnvironment } from "../run/session.js";
import type { RunSummary } from "../run/summary.js";

/** A command that works on a run: tells its events as they come, and hears Ctrl-C. */
export abstract class RunCommand<T extends typeof Command> extends BaseCommand<T> {
  static override streams = true;

  #progress: Progress | null = null;

  /** Runs `work` with what a run needs; the first Ctrl-C stops it at a safe boundary, the second detaches. */
  protected async withRuns<R>(
    state: string,
    work: (env: RunEnvironment) => Promise<R>,
  ): Promise<R> {
    const { FileStateStore } = await import("../state/file/store.js");
    const { connectAgents } = await import("../run/agents.js");
    const { PATIENCE, systemClock } = await import("../run/clock.js");
    const stopping = new AbortController();
    const detached = new AbortController();
    const progress = this.jsonEnabled() ? null : await this.progress();
    this.#progress = progress;
    const { RunLog } = await import("../report/run-log.js");
    // Loaded before it is needed: after hours, and an upgrade meanwhile, its files may be gone.
    await Promise.all([import("../run/runs.js"), import("../report/run-summary.js")]);
    const log = new RunLog(this.textOptions);
    const emit = (event: RunEvent): void => {
      const { type, ...fields } = event;
      if (progress === null) this.event(type, fields);
      else show(progress, log.take(event));
    };
    const forget = onStopSignals({
      stop: () => {
        this.note("stopping at the next safe boundary; Ctrl-C again leaves the agents to it");
        stopping.abort();
      },
      detach: () => {
        stopping.abort();
        detached.abort();
      },
    });
    try {
      return await work({
        store: new FileStateStore(state),
        connect: connectAgents,
        clock: systemClock,
        patience: PATIENCE,
        stop: { stopping: stopping.signal, detached: detached.signal },
        emit,
        random: (count) => randomBytes(count),
        actor: `${userName()}@${hostname()}`,
        command: ["ops", ...(this.id ?? "").split(":"), ...this.argv].join(" "),
      });
    } finally {
      forget();
      if (progress !== null) show(progress, { lines: log.rest(), progress: null });
      progress?.stop();
    }
  }

  protected override print(text: string): void {
    // A spinner would be drawn over it.
    this.#progress?.stop();
    super.print(text);
  }

  /** Prints how a run stands, and gives it as the command's value. */
  protected async told(env: RunEnvironment, run: string): Promise<RunSummary> {
    const { ageBy } = await import("../run/clock.js");
    const { showRun } = await import("../run/runs.js");
    const { summaryText } = await import("../report/run-summary.js");
    const summary = await showRun(env.store, run);
    this.print(summaryText(summary, ageBy(env.clock), this.textOptions));
    const { missing, policyMissing, unheard, without } = summary;
    const unreached = [...Object.keys(missing), ...policyMissing, ...unheard, ...without];
    if (unreached.length > 0) this.exitWith(EXIT.partial);
    return summary;
  }

  /** Prints what a command would do, and gives it as the command's value. */
  protected async foretold(preview: Preview): Promise<object> {
    const { previewText } = await import("../report/run-preview.js");
    this.print(previewText(preview, this.textOptions));
    return { dryRun: true, ...preview };
  }
}

function show(screen: Progress, { lines, progress, left }: LogEntry): void {
  if (left !== undefined) screen.left(left);
  for (const { kind, text } of lines) {
    if (kind === "heading") screen.heading(text);
    else if (kind === "warning") screen.warn(text);
    else screen.done(text);
  }
  if (progress === null) return;
  const { what, phase, unit, steps, isMinor, ...rest } = progress;
  screen.update({
    stage: phase,
    minor: isMinor,
    ...rest,
    ...(what === "" ? {} : { subject: what }),
    ...(steps === undefined ? {} : { parts: steps }),
    ...(unit === undefined || unit === "ms" ? {} : { unit }),
  });
}

/** A user without a name in the system's list is known by number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}
