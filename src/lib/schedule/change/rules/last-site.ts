import type { SafetyRule } from "./rule.js";

export const lastSite: SafetyRule = {
  id: "last-site",
  checks: "Every carrier and port has a site left.",
  find({ intent: { sites: leaving, filter }, situation: { policy, now } }) {
    const closed = policy.entries.filter(
      ({ carrier, province, expires }) => carrier === null && province === null && now < expires,
    );
    const isOpen = (site: string, port: number): boolean =>
      !closed.some(
        (entry) => entry.site === site && (entry.port === null || entry.port === port),
      ) && !(leaving.includes(site) && (filter.port === null || filter.port === port));
    const sites = Object.entries(policy.sites);
    const carriers = new Set(sites.flatMap(([, site]) => site.carriers));
    const lost = [...carriers].filter((carrier) => {
      if (filter.carrier !== null && filter.carrier !== carrier) return false;
      const reached = sites.filter(([, site]) => site.carriers.includes(carrier));
      return !reached.some(([id, { addresses }]) => addresses.some(({ port }) => isOpen(id, port)));
    });
    return lost.map((carrier) => `no site that ${carrier} reaches would be left`);
  },
};
