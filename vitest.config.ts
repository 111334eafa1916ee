import { defineConfig } from "vitest/config"

/** Tests that use nothing outside their process, or at most a socket of their own; they start within a second. */
const pure = [
  "packages/domain/test/**/*.test.ts",
  "packages/adapters/test/*.test.ts",
  "packages/adapters/test/!(cognito|embedded|node|postgres|redis)/**/*.test.ts",
  "packages/adapters/test/cognito/{SigningKeys,TokenVerifier}.test.ts",
  "packages/http/test/sign-in/{Envelope,ProviderLimits,SignInProblem}.test.ts",
  "packages/http/test/server/Decimals.test.ts",
  "packages/http/test/{Example,SocketExample}.test.ts",
  "packages/worker/test/{GapWarning,Outage,SimulatedMonth,Worker}.test.ts",
  "packages/worker/test/command-line/Report.test.ts",
]

export default defineConfig({
  test: {
    // One more than the cores that CI has, because many tests wait for processes and sockets.
    maxWorkers: 3,
    silent: "passed-only",
    // Files share their modules, because importing them takes longer than most tests.
    isolate: false,
    // A net for what hangs. No test may need to be faster than any machine is.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    projects: [
      {
        extends: true,
        test: { name: "pure", include: pure },
      },
      {
        extends: true,
        test: {
          name: "system",
          include: ["packages/*/test/**/*.test.ts"],
          exclude: pure,
          globalSetup: ["packages/adapters/test/postgres/TestDatabase.setup.ts"],
        },
      },
    ],
  },
})
