/** The real API program in a separate process, with a database and a Cognito stand-in. Logs only warnings. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { spawn } from "node:child_process"
import process from "node:process"
import { fileURLToPath } from "node:url"
import type * as CognitoServer from "../../adapters/test/cognito/CognitoServer.ts"
import { freePort } from "../../adapters/test/LoopbackServer.ts"

/** Succeeds when the program is ready. Stops it when the scope closes. */
export const start = Effect.fnUntraced(function* (
  database: Redacted.Redacted,
  { environment }: CognitoServer.CognitoServer,
  settings: Readonly<Record<string, string>>,
) {
  const [port, managementPort] = [yield* freePort, yield* freePort]
  const env = {
    DATABASE_URL: Redacted.value(database),
    ...environment,
    HTTP_PORT: String(port),
    MANAGEMENT_PORT: String(managementPort),
    LOG_LEVEL: "warn",
    DRAIN_SECONDS: "0",
    ...settings,
  }
  const program = fileURLToPath(new URL("../src/main.ts", import.meta.url))
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [program], { env, stdio: ["ignore", "inherit", "inherit"] })),
    (child) => Effect.sync(() => child.kill("SIGTERM")),
  )
  yield* HttpClient.get(`http://127.0.0.1:${managementPort}/ready`).pipe(
    Effect.flatMap(({ status }) => (status === 200 ? Effect.void : Effect.fail("Not ready"))),
    Effect.retry(Schedule.spaced("100 millis")),
    Effect.timeout("30 seconds"),
  )
  return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0 }
})
