/** A small valid topology, for tests that change one thing of it. Two regions, a node each, one keyspace of two shards. */
export const EXAMPLE = `version: 1
name: example
regions:
  east:
    idcs:
      east-1:
        carriers: [telecom]
        sets:
          east-1-a:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            data:
              nodes:
                e1: { agent: "http://127.0.0.1:7401", engine: embedded, capacity: { memory: 8GiB, ops: 50k, network: 1Gbps } }
  west:
    idcs:
      west-1:
        carriers: [unicom]
        sets:
          west-1-a:
            capacity: { onlineUsers: 1M, loginsPerSecond: 1k }
            data:
              nodes:
                w1: { agent: "http://127.0.0.1:7402", engine: embedded, capacity: { memory: 8GiB, ops: 50k, network: 1Gbps } }
keyspaces:
  profile:
    class: relationship
    sync: global
    sharding: range
    domain: 0..1000
    shards:
      a: { segments: [0..500], primary: e1, replicas: [w1] }
      b: { segments: [500..1000], primary: w1, replicas: [e1] }
`;

/** The example with one text replaced; fails if it is not there. */
export function example(from: string, to: string): string {
  if (!EXAMPLE.includes(from)) throw new Error(`the example has no ${from}`);
  return EXAMPLE.replace(from, to);
}
