/** Characters a line, where no terminal says how many it has. */
export const LINE_WIDTH = 80;

/** Whether a person looks at this stream and can be drawn for: a terminal, not CI, not `dumb`. */
export function interactive(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true && !runsInCi() && process.env["TERM"] !== "dumb";
}

/** https://no-color.org: any value but the empty one turns colour off. */
export function coloured(stream: { isTTY?: boolean }): boolean {
  return interactive(stream) && !process.env["NO_COLOR"];
}

function runsInCi(): boolean {
  const ci = process.env["CI"];
  return ci !== undefined && ci !== "" && ci !== "0" && ci !== "false";
}
