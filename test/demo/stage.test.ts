import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { expansionSetting } from "../../src/lib/demo/settings.js";
import { openStage } from "../../src/lib/demo/stage.js";
import { demoTopologies } from "../../src/lib/demo/topologies.js";

test.each([
  ["leaves nothing after a demo that went well", false],
  ["keeps data and logs after one that failed, and says where", true],
])("the stage %s", async (_, failed) => {
  const said: string[] = [];
  const setting = expansionSetting(await demoTopologies());
  const stage = await openStage(setting, { keep: false, say: (line) => void said.push(line) });
  const { dir, agents } = stage.cluster;
  try {
    // Ended here, so nobody wonders.
    await stage.cluster.kill9("sh-db-1");
    await stage.cluster.restart("sz-db-1");
    await stage.close(failed);
    await stage.close(!failed);
    expect(stage.cluster.deaths).toEqual([]);
    expect(said.join("\n")).not.toContain("died");
    expect(existsSync(dir)).toBe(failed);
    expect(said.some((line) => line.endsWith(`are kept in ${dir}`))).toBe(failed);
    if (failed)
      for (const { node } of agents)
        expect(await readFile(join(dir, "agents", node, "agent.log"), "utf8")).toContain('"ready"');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
