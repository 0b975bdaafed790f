import { AgentClient } from "../../src/lib/agent/client/client.js";
import type { Authority } from "../../src/lib/agent/protocol/headers.js";
import { isEnded } from "../../src/lib/agent/protocol/operation.js";
import { FileStateStore } from "../../src/lib/state/file/store.js";
import type { Expansion } from "./expansion.js";

export const KEYSPACE = "profile";
export const SCOPE = `keyspace/${KEYSPACE}`;

/** Works as another ops would that was told that whoever has the scope is gone: with its lock, at a newer epoch. */
export async function asAnotherOps(
  { state }: Expansion,
  work: (authority: Authority, store: FileStateStore) => Promise<void>,
): Promise<void> {
  const store = new FileStateStore(state);
  await store.breakLock(SCOPE);
  const request = { run: "r-other", actor: "other@host", now: Date.now() };
  const lease = await store.acquire([SCOPE], request);
  try {
    const epoch = lease.epochs[SCOPE]!;
    await work({ scope: SCOPE, epoch, lineage: await store.lineage() }, store);
  } finally {
    await lease.release();
  }
}

export async function withAgent<T>(
  { cluster }: Expansion,
  node: string,
  ask: (agent: AgentClient) => Promise<T>,
): Promise<T> {
  const agent = new AgentClient(cluster.url(node));
  try {
    return await ask(agent);
  } finally {
    await agent.close();
  }
}

/** Tells every agent the epoch: whatever an older one still asks for is refused. */
export async function tellEpoch(expansion: Expansion, authority: Authority): Promise<void> {
  for (const node of Object.keys(expansion.cluster.urls))
    await withAgent(expansion, node, (agent) => agent.putEpoch(authority));
}

/** A copy is dropped behind the back of the run that made it. */
export async function dropCopies(expansion: Expansion, node: string): Promise<void> {
  await asAnotherOps(expansion, (authority) =>
    withAgent(expansion, node, async (agent) => {
      for (const { lo, hi, link, generation } of (await agent.node()).entries) {
        const id = `drop-${authority.epoch}-${lo}`;
        const request = { kind: "drop", keyspace: KEYSPACE, lo, hi, generation } as const;
        let told = await agent.putOperation(id, { ...request, link: link?.id ?? null }, authority);
        while (!isEnded(told.state)) told = (await agent.waitOperation(id, told.rev, 10_000))!;
        if (told.state !== "succeeded") throw new Error(JSON.stringify(told.error));
      }
    }),
  );
}
