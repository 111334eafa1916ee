/**
 * The data folder of an embedded PostgreSQL: who uses it, and what an earlier run left in it.
 *
 * ```
 * cluster/    PostgreSQL's own data
 * new-…/      a cluster in the making
 * owner       a named pipe that the program which uses the folder holds open
 * server.log  what PostgreSQL says in this run; server.previous.log: in the run before
 * ```
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schedule from "effect/Schedule"
import { closeSync, constants, openSync } from "node:fs"
import process from "node:process"
import { EmbeddedPostgresError, unreadable } from "./EmbeddedPostgresError.ts"
import { type SystemUser, canReach, choose } from "./SystemUser.ts"

export interface Folder {
  /** The real path, without symbolic links. */
  readonly home: string
  readonly cluster: string
  readonly log: string
  /** Under which PostgreSQL runs and to which the folder belongs; undefined: ours. */
  readonly user: SystemUser | undefined
  /** Whether `user` cannot pass through the folders above. */
  readonly isHidden: boolean
  /** The text of the `postmaster.pid` that a server which did not shut down left; empty when there is none. */
  readonly leftover: string
}

/** How long a server may take to shut down before it is killed, which loses nothing but costs a recovery. */
export const stopLimitSeconds = 20

/**
 * Opens `directory` for this program alone, for as long as the scope lives. A server whose program is gone
 * is stopped; that of a program which lives is the error `in-use`.
 */
export const open = Effect.fnUntraced(
  function* (directory: string) {
    const fileSystem = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    yield* fileSystem.makeDirectory(directory, { recursive: true, mode: 0o700 })
    const home = yield* fileSystem.realPath(directory)
    yield* fileSystem.access(home, { readable: true, writable: true })
    yield* refuseForeign(home)
    const cluster = path.join(home, "cluster")
    const user = yield* choose(home)

    // Whoever owns the folder takes hold of it before its server starts. So a server that was seen before
    // nobody held the folder is an orphan; one seen after that might be of a run that starts beside us.
    const leftover = yield* readPostmasterFile(cluster).pipe(
      Effect.tap(() => hold(home)),
      Effect.retry({ times: 20, schedule: Schedule.spaced("50 millis"), while: isInUse }),
    )
    yield* stopOrphan(leftover, cluster)

    if (user !== undefined) yield* giveTo(user, home)
    const isHidden = user !== undefined && !(yield* canReach(user, home))
    if (isHidden && process.platform !== "linux") {
      return yield* new EmbeddedPostgresError({
        reason: "unreadable",
        message: `PostgreSQL does not run as root and no other user can reach ${home}: choose another data folder`,
      })
    }
    const log = path.join(home, "server.log")
    return { home, cluster, log, user, isHidden, leftover } satisfies Folder
  },
  (effect, directory) =>
    Effect.catchTag(effect, "PlatformError", (cause) => Effect.fail(unreadable(directory)(cause))),
)

/** Gives `place` and all in it to `user`. */
export const giveTo = Effect.fnUntraced(function* ({ uid, gid }: SystemUser, place: string) {
  const spawner = yield* ChildProcessSpawner
  yield* spawner.exitCode(ChildProcess.make("chown", ["-hR", `${uid}:${gid}`, place]))
})

/** How PostgreSQL as the user of `folder` can name `place`, if that is its working directory. */
export const nameFor = (folder: Folder, place: string): string => (folder.isHidden ? hiddenName : place)

const hiddenName = "/proc/self/cwd"

/** The environment of PostgreSQL's programs: nothing of ours, so that no secret or setting gets into it. */
export const environment = { LC_ALL: "C", TZ: "UTC" }

export const inUse = (home: string) =>
  new EmbeddedPostgresError({
    reason: "in-use",
    message: `The data folder ${home} is in use by another run: stop that one or choose another folder`,
  })

/** A program that is on its way out is worth a second of patience. */
const isInUse = (error: EmbeddedPostgresError | PlatformError): boolean => error.reason === "in-use"

export const readPostmasterFile = Effect.fnUntraced(function* (cluster: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  return yield* Effect.orElseSucceed(
    fileSystem.readFileString(path.join(cluster, "postmaster.pid")),
    () => "",
  )
})

/** The number of the process that wrote a `postmaster.pid`; 0 when there is none. */
export const processOf = (postmasterFile: string): number => Number.parseInt(postmasterFile, 10) || 0

/** An argument of the server of `cluster` that tells it from every other process. */
export const mark = (cluster: string): string => `embedded.cluster=${cluster}`

/** What the name of a folder begins with in which a cluster is made. */
export const draftPrefix = "new-"

const ownEntries = new Set(["cluster", "owner", "server.log", "server.previous.log", ".DS_Store"])

/** A folder with other things in it was named by mistake, and giving it to another user might do harm. */
const refuseForeign = Effect.fnUntraced(function* (home: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const foreign = (yield* fileSystem.readDirectory(home)).find(
    (entry) => !ownEntries.has(entry) && !entry.startsWith(draftPrefix),
  )
  if (foreign !== undefined) {
    return yield* new EmbeddedPostgresError({
      reason: "incompatible",
      message: `The data folder ${home} holds ${foreign}, which is not PostgreSQL's: choose an empty or new folder`,
    })
  }
})

/**
 * Holds the pipe `owner` open. The system lets go of it when this process ends in whatever way, and no
 * number can be mistaken for another process, so it says reliably whether an owner lives.
 */
const hold = Effect.fnUntraced(function* (home: string) {
  if (process.platform === "win32") return
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner
  const pipe = path.join(home, "owner")
  const type = yield* fileSystem.stat(pipe).pipe(
    Effect.map((info) => info.type),
    Effect.orElseSucceed(() => undefined),
  )
  if (type !== "FIFO") {
    if (type !== undefined) yield* fileSystem.remove(pipe, { recursive: true })
    yield* spawner.exitCode(ChildProcess.make("mkfifo", ["-m", "600", pipe]))
  }
  if (yield* isHeld(pipe)) {
    return yield* inUse(home)
  }
  yield* fileSystem.open(pipe, { flag: "r+" })
})

/** A pipe opens for writing without waiting only while somebody has it open for reading. */
const isHeld = (pipe: string) =>
  Effect.isSuccess(Effect.try(() => closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK))))

const stopOrphan = Effect.fnUntraced(function* (postmasterFile: string, cluster: string) {
  const server = processOf(postmasterFile)
  const isRunning = Effect.map(commandLine(server), (line) => line.includes(mark(cluster)))
  if (server === 0 || !(yield* isRunning)) return
  const isGone = isRunning.pipe(
    Effect.repeat({ while: (running) => running, schedule: Schedule.spaced("10 millis") }),
  )
  yield* Effect.logInfo("Stopping the database that an earlier run left running")
  yield* signal(server, "SIGINT")
  yield* isGone.pipe(
    Effect.timeoutOrElse({
      duration: `${stopLimitSeconds} seconds`,
      orElse: () => Effect.andThen(signal(server, "SIGKILL"), isGone),
    }),
  )
})

/** The command of a process and its arguments; empty when there is no such process. */
const commandLine = Effect.fnUntraced(function* (id: number) {
  const fileSystem = yield* FileSystem.FileSystem
  const spawner = yield* ChildProcessSpawner
  return yield* Effect.orElseSucceed(
    process.platform === "linux"
      ? fileSystem.readFileString(`/proc/${id}/cmdline`)
      : spawner.string(ChildProcess.make("ps", ["-ww", "-o", "args=", "-p", String(id)])),
    () => "",
  )
})

const signal = (id: number, name: "SIGINT" | "SIGKILL") =>
  Effect.ignore(Effect.try(() => process.kill(id, name)))
