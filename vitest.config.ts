import { defineConfig } from "vitest/config";

/** Tests of code without I/O: files of one process cannot be in each other's way. */
const PURE = "test/{keyspace,ownership,plan,policy,report,routing,schedule,topology}/**/*.test.ts";

export default defineConfig({
  test: {
    environment: "node",
    globalSetup: ["test/setup/build.ts"],
    pool: "forks",
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // In the order of their names: the pure ones fill the processors up while the last live ones wait.
    projects: [
      {
        extends: true,
        test: { name: "live", include: ["test/**/*.test.ts"], exclude: [PURE] },
      },
      { extends: true, test: { name: "pure", include: [PURE], isolate: false } },
    ],
  },
});
