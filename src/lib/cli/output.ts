const closed = new AbortController();

/**
 * Aborted once nobody reads stdout any more (`ops ... | head`). A command that only shows things
 * should end then; one that changes things goes on, quietly.
 */
export const stdoutClosed: AbortSignal = closed.signal;

let watching = false;

/** A reader that went away is not an error: without this the process would die with a stack. */
export function tolerateClosedPipes(): void {
  if (watching) return;
  watching = true;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    closed.abort();
  });
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

/** Data, for the reader of stdout. */
export function writeOut(text: string): void {
  if (!closed.signal.aborted) process.stdout.write(`${text}\n`);
}

/** Everything that is not data. */
export function writeErr(text: string): void {
  process.stderr.write(`${text}\n`);
}
