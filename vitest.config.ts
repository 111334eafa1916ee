import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    globalSetup: ["packages/adapters/test/postgres/TestDatabase.setup.ts"],
    include: ["packages/*/test/**/*.test.ts"],
    // Most tests wait for a database, a socket or a clock: two at a time on the two cores that CI has.
    maxWorkers: 2,
    silent: "passed-only",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
