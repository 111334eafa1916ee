import * as Binaries from "@btc-price/adapters/embedded/Binaries"
import * as EmbeddedPostgres from "@btc-price/adapters/embedded/EmbeddedPostgres"
import * as Folder from "@btc-price/adapters/embedded/Folder"
import * as Server from "@btc-price/adapters/embedded/Server"
import * as SystemUser from "@btc-price/adapters/embedded/SystemUser"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ChildProcess from "effect/process/ChildProcess"
import { type ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { spawnSync } from "node:child_process"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { skipped } from "../Skipped.ts"
import * as DataFolder from "./DataFolder.ts"

const isRoot = process.getuid?.() === 0

const start = (dataDirectory: string, options: Partial<EmbeddedPostgres.Options> = {}) =>
  EmbeddedPostgres.start({ dataDirectory, password: Redacted.make("test"), ...options })

const query = (url: Redacted.Redacted, statement: string) =>
  PgConnection.make({ url, ssl: false }).pipe(
    Effect.flatMap((session) => session.query(statement)),
    Effect.map(({ rows }) => rows),
    Effect.scoped,
  )

/**
 * The data that a first start creates, with the table `first`. Creating it takes PostgreSQL a while, so tests of later
 * starts copy it.
 */
class Seed extends Context.Service<Seed, string>()("@btc-price/adapters/test/EmbeddedPostgres/Seed") {
  static readonly layer = Layer.effect(
    Seed,
    Effect.gen(function* () {
      const folder = yield* DataFolder.make
      yield* Effect.scoped(
        Effect.flatMap(start(folder), ({ url }) => query(url, "create table first as select 7 as value")),
      )
      return `${folder}/cluster`
    }),
  )
}

const makeSeededFolder = Effect.gen(function* () {
  const spawner = yield* ChildProcessSpawner
  const folder = yield* DataFolder.make
  yield* spawner.exitCode(ChildProcess.make("cp", ["-Rp", yield* Seed, folder]))
  return folder
})

const serverOf = Effect.fnUntraced(function* (folder: string) {
  const fileSystem = yield* FileSystem.FileSystem
  return Number.parseInt(yield* fileSystem.readFileString(`${folder}/cluster/postmaster.pid`), 10)
})

/** The processes that would stop a server after its program has ended: its parent and the parent's other child. */
const guardOf = Effect.fnUntraced(function* (server: number) {
  const spawner = yield* ChildProcessSpawner
  const table = yield* spawner.lines(ChildProcess.make("ps", ["-A", "-o", "pid=,ppid="]))
  const processes = table.map((line) => line.trim().split(/\s+/).map(Number))
  const guard = processes.find(([id]) => id === server)?.[1] ?? 0
  return processes.flatMap(([id = 0, parent]) =>
    id === guard || (parent === guard && id !== server) ? [id] : [],
  )
})

const kill = (id: number, signal: NodeJS.Signals = "SIGKILL") => Effect.sync(() => process.kill(id, signal))

const isAlive = (id: number) => Effect.isSuccess(Effect.try(() => process.kill(id, 0)))

/** Runs EmbeddedPostgresProgram.ts in a separate process. */
const program = (folder: string, user?: SystemUser.SystemUser) =>
  SystemUser.command(
    user,
    process.execPath,
    [new URL("EmbeddedPostgresProgram.ts", import.meta.url).pathname, folder],
    { stdin: "ignore", stderr: "inherit" },
  )

const lines = ({ stdout }: ChildProcessHandle) => stdout.pipe(Stream.decodeText, Stream.splitLines)

const firstLine = (handle: ChildProcessHandle) => Stream.mkString(Stream.take(lines(handle), 1))

const firstUrl = (handle: ChildProcessHandle) => Effect.map(firstLine(handle), (line) => Redacted.make(line))

const testLayer = Layer.provideMerge(Seed.layer, NodeServices.layer)

layer(testLayer, { excludeTestServices: true })("EmbeddedPostgres", (it) => {
  it.effect("keeps its data from one run to the next", () =>
    Effect.gen(function* () {
      const { url, port } = yield* start(yield* makeSeededFolder, { settings: { work_mem: "5MB" } })
      assert.deepStrictEqual(yield* query(url, "select value from first"), [{ value: 7 }])

      const [settings] = yield* query(
        url,
        `select current_setting('listen_addresses') as address, current_setting('port') as port,
           current_setting('unix_socket_directories') as sockets, current_setting('fsync') as fsync,
           current_setting('work_mem') as memory, current_setting('server_encoding') as encoding,
           current_setting('timezone') as zone, current_setting('password_encryption') as passwords`,
      )
      assert.deepStrictEqual(settings, {
        address: "127.0.0.1",
        port: String(port),
        sockets: "",
        fsync: "on",
        memory: "5MB",
        encoding: "UTF8",
        zone: "UTC",
        passwords: "scram-sha-256",
      })
    }),
  )

  it.effect("loses nothing when the server is killed", () =>
    Effect.gen(function* () {
      const folder = yield* makeSeededFolder
      const first = Effect.gen(function* () {
        const { url } = yield* start(folder)
        yield* query(url, "create table kept (value int)")
        for (let value = 0; value < 20; value++) yield* query(url, `insert into kept values (${value})`)
        yield* Effect.flatMap(serverOf(folder), kill)
      })
      yield* Effect.scoped(first)
      const { url } = yield* start(folder)
      assert.deepStrictEqual(yield* query(url, "select count(*)::int as kept from kept"), [{ kept: 20 }])
    }),
  )

  it.effect("refuses a running program's folder, and takes over a killed program's folder at once", () =>
    Effect.gen(function* () {
      const folder = yield* makeSeededFolder
      const other = yield* program(folder)
      const url = yield* firstUrl(other)
      yield* query(url, "create table kept as select 7 as value")

      const refusal = yield* Effect.flip(Effect.scoped(start(folder)))
      assert.strictEqual(refusal.reason, "in-use")
      assert.include(refusal.message, folder)
      assert.deepStrictEqual(yield* query(url, "select value from kept"), [{ value: 7 }])

      yield* kill(other.pid)
      const mine = yield* start(folder)
      assert.deepStrictEqual(yield* query(mine.url, "select value from kept"), [{ value: 7 }])
    }),
  )

  it.effect("shuts the server down when its program is killed", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* makeSeededFolder
      const other = yield* program(folder)
      yield* firstLine(other)
      const server = yield* serverOf(folder)
      yield* kill(other.pid)
      yield* isAlive(server).pipe(
        Effect.repeat({ while: (alive) => alive, schedule: Schedule.spaced("10 millis") }),
      )
      const log = yield* fileSystem.readFileString(`${folder}/server.log`)
      assert.include(log, "database system is shut down")
    }),
  )

  it.effect("stops a server whose program and guard were killed", () =>
    Effect.gen(function* () {
      const folder = yield* makeSeededFolder
      const other = yield* program(folder)
      yield* query(yield* firstUrl(other), "create table kept as select 7 as value")
      const orphan = yield* serverOf(folder)
      for (const id of yield* guardOf(orphan)) yield* kill(id)
      yield* kill(other.pid)
      assert.isTrue(yield* isAlive(orphan))

      const { url } = yield* start(folder)
      assert.notStrictEqual(yield* serverOf(folder), orphan)
      assert.deepStrictEqual(yield* query(url, "select value from kept"), [{ value: 7 }])
    }),
  )

  it.effect("does not mistake another server on the folder for its own", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* Folder.open(yield* makeSeededFolder)
      const binaries = yield* Binaries.locate(folder.user)
      const run = Server.run(folder, binaries, { password: Redacted.make("test"), port: 0, settings: {} })
      const scope = yield* Scope.make()
      yield* Scope.provide(run, scope)

      const mine = yield* Effect.forkChild(run)
      yield* fileSystem.readFileString(folder.log).pipe(
        Effect.orElseSucceed(() => ""),
        Effect.repeat({
          until: (log) => /pre-existing|already exists/.test(log),
          schedule: Schedule.spaced("1 millis"),
        }),
        Effect.raceFirst(Fiber.join(mine)),
      )
      yield* Scope.close(scope, Exit.void)
      const { url } = yield* Fiber.join(mine)
      assert.deepStrictEqual(yield* query(url, "select 1 as one"), [{ one: 1 }])
    }),
  )

  it.effect("keeps the database running until a program that Ctrl-C interrupts has ended", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* makeSeededFolder
      const other = yield* program(folder)
      const said = yield* lines(other).pipe(
        // A terminal sends its signal to the whole process group.
        Stream.tap((line) => (line.startsWith("postgres://") ? kill(-other.pid, "SIGINT") : Effect.void)),
        Stream.runCollect,
      )
      assert.strictEqual(said[1], "still there")
      yield* Effect.ignore(other.exitCode)
      assert.isFalse(yield* fileSystem.exists(`${folder}/cluster/postmaster.pid`))
    }),
  )

  it.effect("starts after the first start was killed halfway", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* DataFolder.make
      const other = yield* program(folder)
      yield* fileSystem.readDirectory(folder, { recursive: true }).pipe(
        Effect.orElseSucceed((): Array<string> => []),
        Effect.repeat({
          until: (entries) => entries.some((entry) => entry.endsWith("PG_VERSION")),
          schedule: Schedule.spaced("1 millis"),
        }),
      )
      yield* kill(other.pid)
      assert.isFalse(yield* fileSystem.exists(`${folder}/cluster`))

      const { url } = yield* start(folder)
      assert.deepStrictEqual(yield* query(url, "select 1 as one"), [{ one: 1 }])
      assert.sameMembers(yield* fileSystem.readDirectory(folder), [
        "cluster",
        "owner",
        "owner.pid",
        "server.log",
      ])
    }),
  )

  it.effect("starts even if a running process now has the process ID of the killed server", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* makeSeededFolder
      yield* Effect.scoped(Effect.andThen(start(folder), Effect.flatMap(serverOf(folder), kill)))
      const bystander = yield* SystemUser.command(yield* SystemUser.choose(folder), "/bin/sleep", ["60"], {})
      const file = `${folder}/cluster/postmaster.pid`
      const leftover = yield* fileSystem.readFileString(file)
      yield* fileSystem.writeFileString(file, leftover.replace(/^\d+/, String(bystander.pid)))

      yield* start(folder)
      assert.isTrue(yield* bystander.isRunning)
    }),
  )

  it.effect("says in one line what is wrong with the password, the port or the folder", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* makeSeededFolder
      const refusal = (options: Partial<EmbeddedPostgres.Options> = {}, dataDirectory = folder) =>
        Effect.flip(Effect.scoped(start(dataDirectory, { settings: { fsync: "off" }, ...options }))).pipe(
          Effect.map(({ reason, message }) => {
            assert.notInclude(message, "\n")
            return reason
          }),
        )
      assert.strictEqual(yield* refusal({ password: Redacted.make("another") }), "password")
      assert.strictEqual(yield* refusal({ settings: { work_mem: "much" } }), "failed")

      const listener = yield* NodeSocketServer.make({ host: "127.0.0.1", port: 0 })
      const port = "port" in listener.address ? listener.address.port : 0
      assert.strictEqual(yield* refusal({ port }), "port-in-use")

      const file = `${yield* DataFolder.make}/a file`
      yield* fileSystem.writeFileString(file, "")
      assert.strictEqual(yield* refusal({}, file), "unreadable")
      assert.strictEqual(yield* refusal({}, `${file}/below`), "unreadable")

      yield* fileSystem.writeFileString(`${folder}/cluster/PG_VERSION`, "16\n")
      assert.strictEqual(yield* refusal(), "incompatible")
      const foreign = yield* DataFolder.make
      yield* fileSystem.writeFileString(`${foreign}/letter.txt`, "")
      assert.strictEqual(yield* refusal({}, foreign), "incompatible")
    }),
  )

  // The ordinary user must be able to run our Node and our program. A checkout under /root, for example, prevents it.
  const nobody = { uid: 65_534, gid: 65_534 }
  const isReachable =
    isRoot && spawnSync(process.execPath, ["--check", fileURLToPath(import.meta.url)], nobody).status === 0

  it.effect.skipIf(
    skipped(
      !isReachable,
      "an ordinary user",
      "only root can become another user, who must be able to read this checkout",
    ),
  )("runs as an ordinary user, whose folder root can also use", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const folder = yield* DataFolder.make
      assert.strictEqual(yield* Effect.flatMap(program(folder, nobody), firstLine), "unreadable")

      yield* fileSystem.chown(folder, nobody.uid, nobody.gid)
      const theirs = Effect.gen(function* () {
        const url = yield* Effect.flatMap(program(folder, nobody), firstUrl)
        return yield* query(url, "create table kept as select 7 as value")
      })
      yield* Effect.scoped(theirs)
      const { url } = yield* start(folder)
      assert.deepStrictEqual(yield* query(url, "select value from kept"), [{ value: 7 }])
      const owners = yield* Effect.forEach(["", "/cluster", "/owner", "/server.log"], (entry) =>
        Effect.map(fileSystem.stat(folder + entry), ({ uid }) => uid),
      )
      assert.deepStrictEqual(
        owners.map((uid) => Option.getOrThrow(uid)),
        [nobody.uid, nobody.uid, nobody.uid, nobody.uid],
      )
    }),
  )

  it.effect.skipIf(skipped(!isRoot, "data of root", "only root can create it"))(
    "keeps root's data in a folder that no other user can reach",
    () =>
      Effect.gen(function* () {
        const fileSystem = yield* FileSystem.FileSystem
        const parent = yield* DataFolder.make
        yield* fileSystem.chmod(parent, 0o700)
        const folder = `${parent}/deeper/data`
        yield* Effect.scoped(
          Effect.flatMap(start(folder), ({ url }) => query(url, "create table kept as select 7 as value")),
        )
        const { url } = yield* start(folder)
        assert.deepStrictEqual(yield* query(url, "select value from kept"), [{ value: 7 }])
        const { mode } = yield* fileSystem.stat(parent)
        assert.strictEqual(mode & 0o777, 0o700)
      }),
  )
})
