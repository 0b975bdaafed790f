import { EXIT } from "../errors.js";

export interface StopHandlers {
  /** First Ctrl-C (or SIGTERM): stop at the next safe boundary. */
  stop: () => void;
  /** Second: leave the agents to it. The command ends with exit 8. */
  detach: () => void;
}

/**
 * Takes over SIGINT and SIGTERM until the returned function is called. A third signal ends the
 * process at once with exit 8: the journal is what a resume reads, not this process.
 */
export function onStopSignals(handlers: StopHandlers): () => void {
  let received = 0;
  const take = (): void => {
    received++;
    if (received === 1) handlers.stop();
    else if (received === 2) handlers.detach();
    else process.exit(EXIT.unknown);
  };
  process.on("SIGINT", take);
  process.on("SIGTERM", take);
  return () => {
    process.off("SIGINT", take);
    process.off("SIGTERM", take);
  };
}
