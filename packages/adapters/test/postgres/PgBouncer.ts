/** A real PgBouncer, as Debian installs it, in front of a test database. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import { spawn, spawnSync } from "node:child_process"
import process from "node:process"
import { freePort } from "../LoopbackServer.ts"

/** Whether pgbouncer is installed on this machine. */
export const isInstalled = spawnSync("pgbouncer", ["--version"]).status === 0

interface Options {
  readonly mode: "session" | "transaction"
  /** Whether it takes the parameters with which sessions start, and forgets them. */
  readonly ignoresParameters: boolean
}

const ignored =
  "default_transaction_isolation, statement_timeout, lock_timeout, idle_session_timeout, idle_in_transaction_session_timeout"

/** Starts it, stops it when the scope closes, and returns the database's URL through it. */
export const make = Effect.fnUntraced(function* (
  database: Redacted.Redacted,
  { mode, ignoresParameters }: Options,
) {
  const fileSystem = yield* FileSystem.FileSystem
  const folder = yield* fileSystem.makeTempDirectoryScoped()
  yield* fileSystem.chmod(folder, 0o755)
  const { hostname, port, pathname, username, password } = new URL(Redacted.value(database))
  const listenPort = yield* freePort
  const settings = `
[databases]
${pathname.slice(1)} = host=${hostname} port=${port} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
${ignoresParameters ? `ignore_startup_parameters = ${ignored}` : ""}
`
  yield* fileSystem.writeFileString(`${folder}/pgbouncer.ini`, settings, { mode: 0o644 })
  yield* Effect.acquireRelease(
    Effect.callback<() => Effect.Effect<void>>((resume) => {
      // It does not run as root.
      const user = process.getuid?.() === 0 ? ["-u", "nobody"] : []
      const child = spawn("pgbouncer", [...user, `${folder}/pgbouncer.ini`], {
        stdio: ["ignore", "ignore", "pipe"],
      })
      const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()))
      child.stderr.on("data", (chunk: Buffer) => {
        if (chunk.toString().includes("process up")) {
          resume(Effect.succeed(() => Effect.promise(() => (child.kill("SIGKILL"), exited))))
        }
      })
    }),
    (stop) => stop(),
  )
  const url = new URL(Redacted.value(database))
  url.port = String(listenPort)
  return Redacted.make(url.href)
})
