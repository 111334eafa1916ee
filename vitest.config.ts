import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    globalSetup: ["packages/adapters/test/TestDatabase.setup.ts"],
    include: ["packages/*/test/**/*.test.ts"],
    silent: "passed-only",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
