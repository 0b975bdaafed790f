/** Names are listed up to here. */
const MAX_LISTED = 3;

/** `a`, `a and b`, `a, b and c`, `a, b, c and 4 more` */
export function listed(names: readonly string[]): string {
  const more = names.length - MAX_LISTED;
  const shown = more > 0 ? [...names.slice(0, MAX_LISTED), `${more} more`] : names;
  return shown.length < 2
    ? shown.join("")
    : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)!}`;
}
