import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    globalSetup: ["packages/adapters/test/TestDatabase.setup.ts"],
    include: ["packages/*/test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
