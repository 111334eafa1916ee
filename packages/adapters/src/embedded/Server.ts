/** The running server of an embedded PostgreSQL. */
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import process from "node:process"
import type { Binaries } from "./Binaries.ts"
import { EmbeddedPostgresError, failed } from "./EmbeddedPostgresError.ts"
import * as Folder from "./Folder.ts"
import * as Startup from "./Startup.ts"
import { command } from "./SystemUser.ts"

export interface Server {
  /** `postgres://postgres:password@127.0.0.1:port/postgres` */
  readonly url: Redacted.Redacted
  readonly host: string
  readonly port: number
}

interface Options {
  readonly password: Redacted.Redacted
  /** If it is 0, a free port is used. */
  readonly port: number
  readonly settings: Readonly<Record<string, string>>
}

const host = "127.0.0.1"

/** A log that grows beyond this size is emptied. */
const logLimit = ByteSize.mebibytes(1)

/**
 * Starts the server on the data of `folder`, returns when it accepts connections, and restarts it whenever it ends.
 */
export const run = Effect.fnUntraced(function* (folder: Folder.Folder, binaries: Binaries, options: Options) {
  yield* keepLog(folder)
  const { url, port, hasEnded } = yield* start(folder, binaries, options).pipe(
    // Another program may take the free port first, and the children of a killed server need a moment to end.
    Effect.retry({
      times: 20,
      schedule: Schedule.spaced("250 millis"),
      while: ({ reason }) => reason === "in-use" || (reason === "port-in-use" && options.port === 0),
    }),
  )
  yield* startAgain(folder, binaries, { ...options, port }, hasEnded).pipe(Effect.scoped, Effect.forkScoped)
  yield* Effect.forkScoped(boundLog(folder.log))
  return { url, host, port } satisfies Server
})

/** The server of another program, if it accepts connections. */
export const running = Effect.fnUntraced(function* ({
  dataDirectory,
  password,
}: {
  readonly dataDirectory: string
  readonly password: Redacted.Redacted
}) {
  const path = yield* Path.Path
  const port = Startup.readyPort(yield* Folder.readPostmasterFile(path.join(dataDirectory, "cluster")))
  if (port === undefined) return yield* Folder.inUse(dataDirectory)
  const url = urlOf(port, password)
  yield* Startup.connect(dataDirectory, url)
  return { url, host, port } satisfies Server
})

/** Restarts the server on the same port with all committed data, so that clients can reconnect. */
const startAgain = Effect.fnUntraced(function* (
  folder: Folder.Folder,
  binaries: Binaries,
  options: Options,
  firstHasEnded: Effect.Effect<void>,
) {
  let hasEnded = firstHasEnded
  while (true) {
    yield* hasEnded
    yield* Effect.logError(`PostgreSQL has ended and is being restarted; see ${yield* keepLog(folder)}`)
    const leftover = yield* Folder.readPostmasterFile(folder.cluster)
    const next = yield* start({ ...folder, leftover }, binaries, options).pipe(
      Effect.tapError((error) => Effect.logError(error.message)),
      Effect.retry(Schedule.spaced("1 second")),
    )
    hasEnded = next.hasEnded
  }
})

const start = Effect.fnUntraced(
  function* (folder: Folder.Folder, binaries: Binaries, options: Options) {
    const fileSystem = yield* FileSystem.FileSystem
    yield* fileSystem.remove(folder.log, { force: true })
    const port = options.port === 0 ? yield* freePort : options.port
    const url = urlOf(port, options.password)
    const handle = yield* serverCommand(folder, binaries, { ...options, port })
    const hasEnded = Effect.ignore(handle.exitCode)
    yield* Effect.raceFirst(
      Effect.andThen(Startup.isReady(folder, port), Startup.connect(folder.home, url)),
      Effect.andThen(hasEnded, Startup.explain(folder, port)),
    )
    return { url, port, hasEnded }
  },
  Effect.catchTag("PlatformError", (cause) => Effect.fail(failed(cause))),
  (effect) => closingOnFailure(effect),
)

const urlOf = (port: number, password: Redacted.Redacted) =>
  Redacted.make(
    `postgres://postgres:${encodeURIComponent(Redacted.value(password))}@${host}:${port}/postgres`,
  )

/** The server has its own process group, so that Ctrl-C reaches only our program, which stops the server last. */
const serverCommand = (folder: Folder.Folder, { postgres }: Binaries, { port, settings }: Options) => {
  const args = Object.entries({
    ...settings,
    listen_addresses: host,
    port: String(port),
    unix_socket_directories: "",
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`])
  const server = [
    postgres,
    "-D",
    Folder.nameFor(folder, folder.cluster),
    "-c",
    Folder.mark(folder.cluster),
    ...args,
  ] as const
  const [program, ...rest] =
    process.platform === "win32" ? server : (["/bin/sh", "-c", guard, "guard", ...server] as const)
  return command(folder.user, program, rest, {
    cwd: folder.cluster,
    // When the process ID in a leftover `postmaster.pid` belongs to another process by now, PostgreSQL mistakes that
    // process for a server, unless it is told that it knows the process.
    env: { ...Folder.environment, PG_GRANDPARENT_PID: String(Folder.processOf(folder.leftover)) },
    stdout: "ignore",
    stderr: "ignore",
    killSignal: "SIGINT",
    forceKillAfter: `${Folder.stopLimitSeconds} seconds`,
  })
}

/**
 * Runs the server and ends with it. Its standard input ends when our program ends, even by SIGKILL. It then shuts the
 * server down. It repeats the signal because a server that has only just started ignores it.
 */
const guard = `
trap '' INT
exec 3<&0 </dev/null >>../server.log 2>&1
"$@" 3<&- &
server=$!
{
  read -r _
  tenths=0
  while kill -INT $server && [ $tenths -lt ${Folder.stopLimitSeconds}0 ]; do sleep 0.1; tenths=$((tenths + 1)); done
  kill -KILL $server
} <&3 3<&- 2>/dev/null &
wait $server
kill $!
wait`

/** Renames the log of the previous server, and returns the new path. */
const keepLog = Effect.fnUntraced(function* ({ home, log }: Folder.Folder) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const kept = path.join(home, "server.previous.log")
  yield* Effect.ignore(fileSystem.rename(log, kept))
  return kept
})

const boundLog = Effect.fnUntraced(function* (log: string) {
  const fileSystem = yield* FileSystem.FileSystem
  yield* fileSystem.stat(log).pipe(
    Effect.flatMap(({ size }) =>
      ByteSize.isGreaterThan(size, logLimit) ? fileSystem.truncate(log) : Effect.void,
    ),
    Effect.ignore,
    Effect.repeat(Schedule.spaced("1 minute")),
  )
})

const freePort = NodeSocketServer.make({ host, port: 0 }).pipe(
  Effect.map(({ address }) => ("port" in address ? address.port : 0)),
  Effect.scoped,
  Effect.mapError(
    (cause) =>
      new EmbeddedPostgresError({
        reason: "port-in-use",
        message: `There is no free port on ${host} for PostgreSQL`,
        cause,
      }),
  ),
)

/** Gives `effect` a scope that closes at once if it fails, and otherwise with the surrounding scope. */
const closingOnFailure = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  return yield* effect.pipe(
    Scope.provide(scope),
    Effect.onExit((exit) => (exit._tag === "Failure" ? Scope.close(scope, exit) : Effect.void)),
  )
})
