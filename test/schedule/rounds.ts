import { NO_POLICY } from "../../src/lib/schedule/change/policy-part.js";
import {
  type Round,
  type RoundProposal,
  proposeRound,
} from "../../src/lib/schedule/change/round/propose.js";
import type { Figure } from "../../src/lib/schedule/quality/measured.js";
import type { Known } from "../../src/lib/schedule/quality/tolls.js";
import {
  type VirtualService,
  underPolicy,
  virtualService,
} from "../../src/lib/schedule/simulate/virtual.js";
import { parseTopology } from "../../src/lib/topology/parse.js";

export const SITES = ["a1", "a2", "b1", "b2", "c1", "c2"];
const CARRIERS = ["telecom", "unicom", "mobile"];
const PROVINCES = ["north", "south", "west"];
export const CLASSES = CARRIERS.flatMap((carrier) =>
  PROVINCES.map((province) => ({ carrier, province })),
);

/** Six sites of three idcs; lines of carriers limit two sites together, and unicom does not reach the last idc. */
const TOPOLOGY = parseTopology(
  `version: 1
name: rounds
regions:
${["a", "b", "c"]
  .map(
    (region) => `  ${region}:
    idcs:
      idc-${region}:
        carriers: { telecom: 40k, ${region === "c" ? "" : "unicom: 30k, "}mobile: 30k }
        sets:
${[1, 2].map((i) => `          ${region}${i}: { capacity: { onlineUsers: 30k, loginsPerSecond: 1k } }\n`).join("")}`,
  )
  .join("")}keyspaces: {}
demand:
  onlineUsers: 100k
  loginsPerSecond: 100
  carriers: { telecom: 50%, unicom: 30%, mobile: 20% }
  provinces: { north: 50%, south: 30%, west: 20% }
`,
  "rounds.yaml",
);

/** Everyone where logins are the quickest, whatever the quality: what is not the best place. */
export function unbalanced(): Promise<VirtualService> {
  const service = { topology: TOPOLOGY, demand: TOPOLOGY.demand!, costs: () => SITES.map(() => 0) };
  const start = { now: 1_000_000_000_000, createdAt: "2001-09-09T01:46:40.000Z" };
  return virtualService(service, "0".repeat(64), start);
}

function roundOf({ situation }: VirtualService, more: Partial<Round> = {}): Round {
  const { sites } = situation.policy;
  return {
    id: "b",
    reason: "test",
    actor: "me",
    most: 0.05,
    sites,
    overrides: [],
    isOneOfMany: true,
    ...more,
  };
}

export function propose(
  service: VirtualService,
  known: Known,
  more: Partial<Round> = {},
): Promise<RoundProposal> {
  return proposeRound(service, service.situation, roundOf(service, more), known);
}

/** With everyone where the round leads. */
export function afterwards(service: VirtualService, { classes }: RoundProposal): VirtualService {
  const { policy } = service.situation;
  return underPolicy(service, { ...NO_POLICY, ...policy, version: policy.version + 1, classes });
}

/** What an agent would say that has seen so many samples of the way of each class to each site. */
export function figures(
  samples: number,
  of: (k: number, site: number) => Pick<Figure, "rttMs" | "loss"> & Partial<Figure>,
): Figure[] {
  return CLASSES.flatMap((one, k) =>
    SITES.map((site, j) => ({ ...one, site, samples, rttVariance: null, ...of(k, j) })),
  );
}
