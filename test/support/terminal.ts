import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

const COLUMNS = 80;

/** A command that runs on a pseudo terminal, as `script` of util-linux makes one, 80 columns wide. */
export class Terminal {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = "";

  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    const { CI: _c, NO_COLOR: _n, FORCE_COLOR: _f, ...plain } = process.env;
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    const shell = `stty cols ${COLUMNS} rows 24; exec ${quoted}`;
    this.#child = spawn("script", ["-qefc", shell, "/dev/null"], {
      env: { ...plain, TERM: "xterm", SHELL: "/bin/sh", ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    (this.#child.stdout as Readable).setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
    this.#ended = once(this.#child, "close");
  }

  /** Every byte that was written to it. */
  get output(): string {
    return this.#output;
  }

  type(text: string): void {
    (this.#child.stdin as Writable).write(text);
  }

  /** Resolves once the output matches. Rejects when the command ends without that. */
  async until(pattern: RegExp): Promise<void> {
    let over = false;
    void this.#ended.then(() => (over = true));
    while (!pattern.test(this.#output)) {
      if (over) throw new Error(`it ended without ${String(pattern)}:\n${this.#output}`);
      await Promise.race([once(this.#child.stdout as Readable, "data"), this.#ended]);
    }
  }

  async end(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  /** The lines that a person then has before them. */
  screen(): string[] {
    return render(this.#output);
  }
}

/** What a terminal shows of an output with the controls that a line editor and a spinner use. */
function render(output: string): string[] {
  const rows: string[][] = [[]];
  let [row, column] = [0, 0];
  // oxlint-disable-next-line no-control-regex -- these are what a terminal is controlled with
  for (const [token] of output.matchAll(/\u001b\[[?\d;]*[A-Za-z]|\u001b.|[^\u001b]/gu)) {
    const control = /^\u001b\[(\d*)([A-Za-z])$/.exec(token); // oxlint-disable-line no-control-regex
    const n = Number(control?.[1] || 1);
    if (token === "\r") column = 0;
    else if (token === "\n") row += 1;
    else if (token === "\b") column = Math.max(0, column - 1);
    else if (control?.[2] === "A") row = Math.max(0, row - n);
    else if (control?.[2] === "B") row += n;
    else if (control?.[2] === "G") column = n - 1;
    else if (control?.[2] === "K") {
      if (control[1] === "2") rows[row] = [];
      else rows[row]!.length = Math.min(rows[row]!.length, column);
    } else if (control?.[2] === "J") {
      rows.length = row + 1;
      rows[row]!.length = Math.min(rows[row]!.length, column);
    } else if (!token.startsWith("\u001b")) {
      if (column === COLUMNS) [row, column] = [row + 1, 0];
      while (rows.length <= row) rows.push([]);
      while (rows[row]!.length < column) rows[row]!.push(" ");
      rows[row]![column] = token;
      column += 1;
    }
    while (rows.length <= row) rows.push([]);
  }
  return rows.map((cells) => cells.join("").trimEnd());
}
