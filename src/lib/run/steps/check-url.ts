const CHECK_TIMEOUT_MS = 10_000;

/** What a gate has against the answer of the URL that a policy names; nothing where it names none. */
export async function checkUrl(url: string | null): Promise<string[]> {
  if (url === null) return [];
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    await answer.body?.cancel();
    return answer.ok ? [] : [`the check ${url} answered ${answer.status}`];
  } catch (error) {
    return [
      `the check ${url} did not answer: ${error instanceof Error ? error.message : String(error)}`,
    ];
  }
}
