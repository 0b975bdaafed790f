import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Policy } from "../../src/lib/agent/server/policy.js";
import { openEngine } from "../../src/lib/engines/registry.js";
import { NO_POLICY } from "../../src/lib/schedule/change/policy-part.js";

test("a document is never told with the right by which another one was stored", async () => {
  const dir = await mkdtemp(join(tmpdir(), "ops-policy-"));
  const engine = await openEngine("embedded", dir, {
    onFatal: (error) => expect.fail(String(error)),
  });
  try {
    const policy = new Policy(engine);
    const seen = new Set<string>();
    for (let version = 1; version <= 20; version += 1) {
      const over = new AbortController();
      const by = { epoch: BigInt(version), lineage: "0" };
      const stored = policy
        .put({ ...NO_POLICY, version }, by, () => undefined)
        .then(() => over.abort());
      while (!over.signal.aborted) {
        seen.add(`${policy.document?.version ?? 0} by ${policy.by?.epoch ?? 0}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await stored;
    }
    for (const pair of seen) expect(pair).toMatch(/^(\d+) by \1$/);
  } finally {
    await engine.close();
    await rm(dir, { recursive: true, force: true });
  }
});
