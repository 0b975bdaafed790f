import type { GatewayAddress, PolicyDocument } from "./document.js";

/**
 * The sites without the addresses of gateways that are gone. The last one of a site stays: a site is where its users belong, also while
 * nobody can log in there. An address of an earlier version names no gateway, and stays.
 */
export function sitesWithout(
  sites: PolicyDocument["sites"],
  isGone: (node: string, site: string) => boolean,
): PolicyDocument["sites"] {
  return Object.fromEntries(
    Object.entries(sites).map(([id, site]) => {
      const isLeft = ({ node }: GatewayAddress) => node === undefined || !isGone(node, id);
      const left = site.addresses.filter(isLeft);
      const isSame = left.length === site.addresses.length || left.length === 0;
      return [id, isSame ? site : { ...site, addresses: left }];
    }),
  );
}

/** What says the same where it is so already. */
export function policyWithout(
  policy: PolicyDocument,
  isGone: (node: string, site: string) => boolean,
): PolicyDocument {
  return { ...policy, sites: sitesWithout(policy.sites, isGone) };
}
