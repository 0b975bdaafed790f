import type { SyncStep } from "../../plan/types.js";
import { range } from "../../plan/say.js";
import { together } from "../ask.js";
import type { RunContext } from "../context.js";
import { Interrupted } from "../failure.js";
import { doneResult, operate, settle } from "../operation.js";
import type { StepHandler } from "./handler.js";
import { watchLinks } from "./watch-links.js";

export const sync: StepHandler<SyncStep> = {
  apply: async (context, step) => {
    const { id, keyspace, segments, node, maxLagMs } = step;
    const options = {
      undo: false,
      what: `copy ${range(step)} and keep up`,
      atStop: "leave",
    } as const;
    const watching = new AbortController();
    const broken = new AbortController();
    const watched = watchLinks(context, step, watching.signal, (why) => broken.abort(why));
    const stopping = AbortSignal.any([context.stop.stopping, broken.signal]);
    const inner: RunContext = { ...context, stop: { ...context.stop, stopping } };
    try {
      await settle(inner, id, options);
      const result =
        doneResult(inner, id) ??
        (await operate(inner, id, options, async () => ({
          node,
          request: { kind: "sync", keyspace, ...together(segments)!, maxLagMs },
          inverse: null,
          preState: null,
        })));
      await context.journal.append({
        type: "evidence",
        step: id,
        about: "sync",
        facts: result ?? {},
      });
      context.emit({ type: "evidence", step: id, about: "sync", facts: result ?? {} });
    } catch (error) {
      throw broken.signal.aborted && error instanceof Interrupted ? broken.signal.reason : error;
    } finally {
      watching.abort();
      await watched;
    }
  },
  undo: null,
};
