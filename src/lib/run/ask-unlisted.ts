import type { GatewayAddress, PolicyDocument } from "../policy/document.js";
import type { UnlistedGateway } from "../schedule/change/situation.js";
import type { Topology } from "../topology/types.js";
import type { Agent, Connect } from "./agents.js";
import { asProblem } from "./failure.js";

/**
 * Asks the gateways of the policy that the topology does not have at their site, where the policy says their agents are: whoever gave
 * the file may not have the newest one.
 */
export async function askUnlisted(
  connect: Connect,
  { sites, agents: urls = {} }: PolicyDocument,
  { nodes }: Pick<Topology, "nodes">,
): Promise<UnlistedGateway[]> {
  const strangers = Object.entries(sites).flatMap(([site, { addresses }]) => {
    const named = addresses.flatMap(({ node }) => node ?? []);
    return [...new Set(named)]
      .filter((node) => !nodes.some(({ id, set }) => id === node && set === site))
      .map((node) => ({ node, site, own: addresses.filter((one) => one.node === node) }));
  });
  const known = strangers.filter(({ node }) => urls[node] !== undefined);
  if (known.length === 0) return strangers.map(({ node, site }) => ({ node, site, why: null }));
  const agents = await connect(
    Object.fromEntries(known.map(({ node }) => [node, { url: urls[node]! }])),
  );
  try {
    return await Promise.all(
      strangers.map(async ({ node, site, own }) => {
        const why = urls[node] === undefined ? null : await whyGone(agents.of(node), own);
        return { node, site, why };
      }),
    );
  } finally {
    await agents.close();
  }
}

/** Null where it answers. What listens there by now may be another one. */
async function whyGone(agent: Agent, own: readonly GatewayAddress[]): Promise<string | null> {
  try {
    const { addresses } = await agent.access();
    const isIts = own.some(({ url }) => addresses.some((one) => one.url === url));
    return isIts ? null : "its agent has other addresses";
  } catch (error) {
    return asProblem(error).message;
  }
}
