import type { EventEmitter } from "node:events";

/**
 * Aborted when `request` closes or the agent stops. Not `AbortSignal.any`: a signal that lives as long as the process keeps
 * something of every signal that was ever made from it.
 */
export function untilClosed(
  request: Pick<EventEmitter, "once">,
  stopping: AbortSignal,
): AbortController {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  stopping.addEventListener("abort", end, { once: true });
  request.once("close", () => {
    stopping.removeEventListener("abort", end);
    end();
  });
  if (stopping.aborted) end();
  return ending;
}
