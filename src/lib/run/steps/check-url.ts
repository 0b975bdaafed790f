import { type RunContext, stopAtBoundary } from "../context.js";

const CHECK_TIMEOUT_MS = 10_000;

/** What a gate has against the answer of the URL that a policy names; nothing where it names none. Throws `Interrupted`. */
export async function checkUrl(
  { stop }: Pick<RunContext, "stop">,
  url: string | null,
): Promise<string[]> {
  if (url === null) return [];
  try {
    const signal = AbortSignal.any([stop.stopping, AbortSignal.timeout(CHECK_TIMEOUT_MS)]);
    const answer = await fetch(url, { signal });
    await answer.body?.cancel();
    return answer.ok ? [] : [`the check ${url} answered ${answer.status}`];
  } catch (error) {
    stopAtBoundary({ stop });
    return [
      `the check ${url} did not answer: ${error instanceof Error ? error.message : String(error)}`,
    ];
  }
}
