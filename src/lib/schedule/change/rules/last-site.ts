import { deadSites } from "../situation.js";
import type { SafetyRule } from "./rule.js";

export const lastSite: SafetyRule = {
  id: "last-site",
  checks: "Every carrier has a site left that is not dead.",
  find({ intent: { sites: leaving, filter }, situation }) {
    const { policy, now } = situation;
    const dead = deadSites(situation);
    const isFor = (entry: string | null, asked: string | null) => entry === null || entry === asked;
    const standing = policy.entries.filter(
      ({ province, expires }) => isFor(province, filter.province) && now < expires,
    );
    const isOpen = (carrier: string, site: string, port: number): boolean =>
      !dead.includes(site) &&
      !standing.some(
        (entry) =>
          entry.site === site &&
          isFor(entry.carrier, carrier) &&
          (entry.port === null || entry.port === port),
      ) &&
      !(leaving.includes(site) && (filter.port === null || filter.port === port));
    const sites = Object.entries(policy.sites);
    const carriers = new Set(sites.flatMap(([, site]) => site.carriers));
    const lost = [...carriers].filter((carrier) => {
      if (filter.carrier !== null && filter.carrier !== carrier) return false;
      const reached = sites.filter(([, site]) => site.carriers.includes(carrier));
      return !reached.some(([id, { addresses }]) =>
        addresses.some(({ port }) => isOpen(carrier, id, port)),
      );
    });
    return lost.map((carrier) => `no site that ${carrier} reaches would be left`);
  },
};
