import { EXIT, OpsError, type Exit } from "../errors.js";
import { toJson } from "./json.js";
import { writeErr, writeOut } from "./output.js";
import { wrapped } from "../wrap.js";
import { palette } from "./palette.js";
import { LINE_WIDTH } from "./terminal.js";
import { type ParseError, usageMessage } from "./usage.js";

/** What a failure looks like to people and programs. */
interface Failure {
  code: string;
  exit: number;
  message: string;
  hint: string | undefined;
  details: unknown;
}

/** The machine said no; not ours to fix, not a bug either. */
const MACHINE = new Set(["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "EMFILE", "ENFILE"]);

/** A file is where a folder should be, or the other way round, or a link leads nowhere. */
const MISPLACED = new Set(["ENOTDIR", "EISDIR", "ELOOP", "ENAMETOOLONG"]);

/** What to tell about anything that was thrown. */
function failureOf(error: unknown): Failure {
  if (error instanceof OpsError) return error;
  const thrown = describe(error);
  const { message, code, oclif, path } = thrown;
  // What oclif throws for a flag, an argument or a command it cannot make sense of.
  if (oclif?.exit === OCLIF_USAGE) {
    return failure("usage", EXIT.usage, usageMessage(thrown), "add --help to see what it takes");
  }
  if (code !== undefined && MACHINE.has(code)) {
    const hint = `check ${path ?? "the disk"}: space, limits and permissions`;
    return failure("machine", EXIT.failure, message, hint);
  }
  if (code !== undefined && MISPLACED.has(code)) {
    const hint = `look at ${path ?? "the paths that were given"}: it is not what it should be`;
    return failure("misplaced", EXIT.failure, message, hint);
  }
  const hint =
    "this is a bug in ops: report it with the output of the same command under DEBUG=ops";
  return failure("internal", EXIT.failure, `internal error: ${message}`, hint);
}

/** Tells it on stderr, under `--json` also as the last line of stdout. Returns the exit code. */
export function report(error: unknown, json: boolean): number {
  const { code, exit, message, hint, details } = failureOf(error);
  const paint = palette(process.stderr);
  writeErr(labelled("error:", paint.red, message));
  if (hint !== undefined) writeErr(labelled("hint:", paint.cyan, hint));
  if (process.env["DEBUG"] && error instanceof Error) writeErr(withCauses(error));
  if (json) writeOut(toJson({ v: 1, type: "error", error: { code, message, hint, details } }));
  return exit;
}

/** What follows an empty line is laid out already: source lines, with marks below them. */
function labelled(label: string, paint: (text: string) => string, text: string): string {
  const [prose, ...rest] = text.split("\n\n");
  const told = wrapped(`${label} ${prose!}`, LINE_WIDTH).slice(label.length);
  return [`${paint(label)}${told}`, ...rest].join("\n\n");
}

/** oclif's own default for misuse. */
const OCLIF_USAGE = 2;

interface Thrown extends ParseError {
  code?: string;
  path?: string;
  oclif?: { exit?: number };
}

function describe(error: unknown): Thrown {
  return error instanceof Error ? error : { message: String(error) };
}

function failure(code: string, exit: Exit, message: string, hint: string): Failure {
  return { code, exit, message, hint, details: undefined };
}

function withCauses(error: Error): string {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error ? `${stack}\ncaused by: ${withCauses(error.cause)}` : stack;
}
