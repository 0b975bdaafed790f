import type { DroppedAddress, UserPlan } from "../../plan/users/types.js";
import type { Address, PolicyDocument } from "../../policy/document.js";
import type { Situation } from "./situation.js";

type Sites = PolicyDocument["sites"];

/**
 * What logins are no longer sent to once `after` is the policy, and the gateways that stay although the topology does not have them:
 * for the person who has to agree to it.
 */
export function leftOutBy(
  after: PolicyDocument,
  situation: Situation,
): Pick<UserPlan, "dropped" | "unlisted"> {
  const { policy, offered, unlisted } = situation;
  const dropped = Object.entries(policy.sites).flatMap(([site, { addresses }]) =>
    addresses
      .filter((one) => !hasAddress(after.sites, site, one))
      .map(({ node = null, url }): DroppedAddress => ({
        node,
        site,
        url,
        why: whyDropped({ node, site }, situation),
        isRestored: hasAddress(offered, site, { url }),
      })),
  );
  const stay = unlisted.filter(
    ({ node, site, why }) =>
      why === null && after.sites[site]?.addresses.some((one) => one.node === node),
  );
  return {
    ...(dropped.length === 0 ? {} : { dropped }),
    ...(stay.length === 0 ? {} : { unlisted: stay.map(({ node, site }) => ({ node, site })) }),
  };
}

/**
 * With the gateways that the topology does not have and that are not known to be gone, at the sites where they were: unless the address
 * of one is that of a gateway of the topology by now.
 */
export function withUnlisted(sites: Sites, { policy, unlisted }: Situation): Sites {
  const stay = (node: string | undefined, site: string) =>
    unlisted.some((one) => one.why === null && one.node === node && one.site === site);
  const taken = new Set(
    Object.values(sites).flatMap(({ addresses }) => addresses.map(({ url }) => url)),
  );
  return Object.fromEntries(
    Object.entries(sites).map(([id, site]) => {
      const known = policy.sites[id]?.addresses ?? [];
      const kept = known.filter(({ node, url }) => stay(node, id) && !taken.has(url));
      return [id, { ...site, addresses: [...site.addresses, ...kept] }];
    }),
  );
}

function hasAddress(sites: Sites, site: string, { url }: Pick<Address, "url">): boolean {
  return sites[site]?.addresses.some((one) => one.url === url) === true;
}

function whyDropped(
  { node, site }: Pick<DroppedAddress, "node" | "site">,
  { unlisted, silent }: Situation,
): string {
  const isIt = (one: { readonly node: string; readonly site: string }) =>
    one.node === node && one.site === site;
  const stranger = unlisted.find(isIt);
  if (stranger !== undefined)
    return stranger.why === null
      ? "not in the file"
      : `not in the file, and does not answer: ${stranger.why}`;
  const quiet = silent.find(isIt);
  if (quiet !== undefined) return `does not answer: ${quiet.why}`;
  return "no gateway of the file that answers has this address";
}
