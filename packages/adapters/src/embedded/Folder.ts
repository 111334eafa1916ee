/**
 * The data folder of an embedded PostgreSQL: which program uses it, and what an earlier run left in it.
 *
 * ```
 * cluster/    PostgreSQL's own data
 * new-…/      a cluster that is being created
 * owner       a named pipe that the program using the folder holds open
 * owner.pid   the process ID of that program
 * server.log  PostgreSQL's log; the log of its previous start is in server.previous.log
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
  /** The user that PostgreSQL runs as and that owns the folder. If it is undefined, it is this process's user. */
  readonly user: SystemUser | undefined
  /** Whether `user` cannot pass through the parent folders. */
  readonly isHidden: boolean
  /** The text of the `postmaster.pid` that a crashed server left; empty if there is none. */
  readonly leftover: string
}

/** How long a server may take to shut down before it is killed. Killing it loses no data but requires a recovery. */
export const stopLimitSeconds = 20

/**
 * Opens `directory` for the exclusive use of this program until the scope closes. If another running program uses it,
 * this fails with `in-use`. If that program is gone and has left its server running, the server is stopped.
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

    // A program takes hold of the folder before it starts a server. A server seen before the folder turned out to be
    // free is therefore an orphan. A server seen later may belong to a run that starts at the same time.
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

/** Makes `user` the owner of `place` and everything in it. */
export const giveTo = Effect.fnUntraced(function* ({ uid, gid }: SystemUser, place: string) {
  const spawner = yield* ChildProcessSpawner
  yield* spawner.exitCode(ChildProcess.make("chown", ["-hR", `${uid}:${gid}`, place]))
})

/** A path for `place` that works for PostgreSQL as the folder's user, if `place` is its working directory. */
export const nameFor = (folder: Folder, place: string): string => (folder.isHidden ? hiddenName : place)

const hiddenName = "/proc/self/cwd"

/** The environment of PostgreSQL's programs. It takes nothing from ours, so that no secret or setting reaches them. */
export const environment = { LC_ALL: "C", TZ: "UTC" }

/** Fails because another program uses the folder, and names its process. */
export const inUse = Effect.fnUntraced(function* (home: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const id = yield* Effect.orElseSucceed(fileSystem.readFileString(path.join(home, ownerFile)), () => "")
  return yield* new EmbeddedPostgresError({
    reason: "in-use",
    message: `The data folder ${home} is in use by another run${id === "" ? "" : ` (process ${id})`}: stop that run, or set DATA_DIR to another folder`,
  })
})

const ownerFile = "owner.pid"

/** A program that is shutting down may still hold the folder, so opening it is retried for a second. */
const isInUse = (error: EmbeddedPostgresError | PlatformError): boolean => error.reason === "in-use"

export const readPostmasterFile = Effect.fnUntraced(function* (cluster: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  return yield* Effect.orElseSucceed(
    fileSystem.readFileString(path.join(cluster, "postmaster.pid")),
    () => "",
  )
})

/** The ID of the process that wrote a `postmaster.pid`; 0 if there is none. */
export const processOf = (postmasterFile: string): number => Number.parseInt(postmasterFile, 10) || 0

/** An argument that distinguishes the server of `cluster` from every other process. */
export const mark = (cluster: string): string => `embedded.cluster=${cluster}`

/** The prefix of the folder in which a new cluster is created. */
export const draftPrefix = "new-"

const ownEntries = new Set(["cluster", "owner", ownerFile, "server.log", "server.previous.log", ".DS_Store"])

/** A folder that holds other files was named by mistake, and changing its owner might do harm. */
const refuseForeign = Effect.fnUntraced(function* (home: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const foreign = (yield* fileSystem.readDirectory(home)).find(
    (entry) => !ownEntries.has(entry) && !entry.startsWith(draftPrefix),
  )
  if (foreign !== undefined) {
    return yield* new EmbeddedPostgresError({
      reason: "incompatible",
      message: `The data folder ${home} contains ${foreign}, which does not belong to PostgreSQL: choose an empty or new folder`,
    })
  }
})

/**
 * Holds the pipe `owner` open. The system closes it however this process ends, and unlike a process ID it cannot be
 * reused by another process, so it shows reliably whether the owner is running.
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
  if (yield* isHeld(pipe)) return yield* inUse(home)
  yield* fileSystem.open(pipe, { flag: "r+" })
  yield* fileSystem.writeFileString(path.join(home, ownerFile), String(process.pid))
})

/** A pipe opens for writing without waiting only while a process has it open for reading. */
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

/** The command line of a process; empty if there is no such process. */
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
