import { EXIT } from "../errors.js";

export interface StopHandlers {
  /** First Ctrl-C (or SIGTERM): stop at the next safe boundary. */
  stop: () => void;
  /** Second: leave the agents to it. The command ends with exit 8. */
  detach: () => void;
}

/**
 * Takes over SIGINT and SIGTERM for what is left of the process. A third signal ends it at once with exit 8: the journal is what a
 * resume reads, not this process. The returned function says that the work is over: the first two signals mean nothing any more,
 * and cannot end the process before it has said how the work ended.
 */
export function onStopSignals(handlers: StopHandlers): () => void {
  let received = 0;
  let over = false;
  const take = (): void => {
    received++;
    if (received > 2) process.exit(EXIT.unknown);
    if (over) return;
    if (received === 1) handlers.stop();
    else handlers.detach();
  };
  process.on("SIGINT", take);
  process.on("SIGTERM", take);
  return () => {
    over = true;
  };
}
