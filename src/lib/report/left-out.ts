import { plural } from "../figures.js";
import type { UserPlan } from "../plan/users/types.js";
import { wrap } from "../wrap.js";
import { groupBy } from "./group.js";
import type { TextOptions } from "./text-options.js";

/** So many gateways are told, unless every one is asked for. */
const SHOWN = 6;

/** Gateways that logins are no longer sent to, and those that the file does not have and that stay. */
export function leftOutLines(
  { dropped = [], unlisted = [] }: Pick<UserPlan, "dropped" | "unlisted">,
  options: TextOptions,
): string[] {
  const gone = groupBy(dropped, ({ node, site, why, isRestored }) =>
    JSON.stringify([node, site, why, isRestored]),
  ).map((addresses) => {
    const [{ node, site, why, isRestored }] = addresses;
    const urls = addresses.map(({ url }) => url).join(", ");
    const until = isRestored ? "until this is taken back" : "any more, nor when this is taken back";
    return `${node ?? "a gateway"} of ${site} (${urls}): ${why}; no login is sent there ${until}`;
  });
  const stay = unlisted.map(
    ({ node, site }) =>
      `${node} of ${site}: not in the file, and not known to be gone; logins are sent there as before; its users are not counted, and told nothing`,
  );
  return [...lines("gone  ", gone, options), ...lines("stays ", stay, options)];
}

function lines(label: string, texts: readonly string[], { width, verbose }: TextOptions): string[] {
  const shown = verbose || texts.length <= SHOWN ? texts : texts.slice(0, SHOWN - 1);
  const more = texts.length - shown.length;
  const rest = more === 0 ? [] : [`and ${plural(more, "more gateway")} (--verbose)`];
  return [...shown, ...rest].flatMap((text) => wrap(`  ${label} ${text}`, width, 9));
}
