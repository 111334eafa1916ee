import * as PostgresFileCredentials from "@btc-price/adapters/postgres/credentials/PostgresFileCredentials"
import * as PostgresRotation from "@btc-price/adapters/postgres/credentials/PostgresRotation"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { eventually } from "../../Waiting.ts"
import type { User } from "../AppDatabase.ts"
import * as PostgresCredentialsTest from "./PostgresCredentialsTest.ts"

/** Writes a new file and renames it over the old one, as Vault Agent does. */
const replaceFile = Effect.fnUntraced(function* (file: string, content: string) {
  const fileSystem = yield* FileSystem.FileSystem
  yield* fileSystem.writeFileString(`${file}.new`, content)
  yield* fileSystem.rename(`${file}.new`, file)
})

/** Switches the link `..data` to a new folder, as Kubernetes does. The files are links through it. */
const replaceFolder = Effect.fnUntraced(function* (folder: string, { username, password }: User) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const version = yield* fileSystem.makeTempDirectory({ directory: folder, prefix: "..2026_" })
  yield* fileSystem.writeFileString(path.join(version, "username"), username)
  yield* fileSystem.writeFileString(path.join(version, "password"), password)
  yield* fileSystem.symlink(path.basename(version), path.join(folder, "..data_tmp"))
  yield* fileSystem.rename(path.join(folder, "..data_tmp"), path.join(folder, "..data"))
  for (const name of ["username", "password"]) {
    yield* Effect.ignore(fileSystem.symlink(path.join("..data", name), path.join(folder, name)))
  }
})

PostgresCredentialsTest.suite("a file whose user changes", (database) =>
  Effect.gen(function* () {
    const context = yield* Effect.context<NodeServices.NodeServices>()
    const fileSystem = yield* FileSystem.FileSystem
    const folder = yield* fileSystem.makeTempDirectoryScoped()
    const file = `${folder}/credentials.json`
    const secrets: Array<string> = []
    const rotate = Effect.gen(function* () {
      const user = yield* database.createUser
      secrets.push(user.password)
      yield* replaceFile(file, JSON.stringify(user))
    }).pipe(Effect.provideContext(context))
    yield* rotate
    return { credentials: { kind: "file", file }, rotate, secrets: () => secrets }
  }),
)

PostgresCredentialsTest.suite("a folder whose password changes", (database) =>
  Effect.gen(function* () {
    const context = yield* Effect.context<NodeServices.NodeServices>()
    const fileSystem = yield* FileSystem.FileSystem
    const folder = yield* fileSystem.makeTempDirectoryScoped()
    const user = yield* database.createUser
    const secrets = [user.password]
    yield* replaceFolder(folder, user)
    const rotate = Effect.gen(function* () {
      const password = yield* database.setPassword(user.username)
      secrets.push(password)
      yield* replaceFolder(folder, { ...user, password })
    }).pipe(Effect.provideContext(context))
    return { credentials: { kind: "file", file: folder }, rotate, secrets: () => secrets }
  }),
)

const passwordOf = ({ user }: PostgresRotation.PostgresRotation) =>
  Effect.scoped(
    Effect.map(
      Effect.flatMap(user, ({ password }) => password),
      Redacted.value,
    ),
  )

const written = (password: string) => JSON.stringify({ username: "app", password })

describe("PostgresFileCredentials", () => {
  const open = Effect.fnUntraced(function* (
    content: string,
    url = Redacted.make("postgres://127.0.0.1:1/none"),
  ) {
    const fileSystem = yield* FileSystem.FileSystem
    const context = yield* Effect.context<NodeServices.NodeServices>()
    const file = `${yield* fileSystem.makeTempDirectoryScoped()}/credentials.json`
    yield* fileSystem.writeFileString(file, content)
    const rotation = yield* PostgresRotation.make(
      Effect.provideContext(PostgresFileCredentials.read(file), context),
      (user) => PostgresClient.makePools({ url }, user),
    )
    return { file, rotation }
  })
  it.live(
    "keeps the last good credentials while the file is half written, and reports the problem without a secret",
    () =>
      Effect.gen(function* () {
        const { file, rotation } = yield* open(written("canary-1"))
        // Writes again until the file is being watched: a change before that is found only by the poll.
        yield* eventually(
          Effect.andThen(
            replaceFile(file, written("canary-2").slice(0, -3)),
            Effect.map(rotation.problem, (problem) => problem !== null),
          ),
        )
        assert.notInclude((yield* rotation.problem) ?? "", "canary")
        assert.include((yield* rotation.problem) ?? "", file)
        assert.strictEqual(yield* passwordOf(rotation), "canary-1")
        yield* replaceFile(file, written("canary-2"))
        yield* eventually(Effect.map(passwordOf(rotation), (password) => password === "canary-2"))
        assert.isNull(yield* rotation.problem)
      }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("finds a change that the file system did not report, within ten seconds", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const deaf = { ...fileSystem, watch: () => FileSystem.makeNoop({}).watch("") }
      const { file, rotation } = yield* Effect.provideService(open(written("1")), FileSystem.FileSystem, deaf)
      yield* fileSystem.writeFileString(file, written("2"))
      const found = yield* Effect.forkScoped(
        TestClock.withLive(eventually(Effect.map(passwordOf(rotation), (password) => password === "2"))),
      )
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(found)
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.live("refuses a file with other content", () =>
    Effect.gen(function* () {
      for (const content of [
        "",
        "{}",
        "[]",
        '{"username":"app"}',
        '{"username":"","password":"canary"}',
        '{"username":"app","password":""}',
        '{"username":"app","password":7}',
        '{"username":"app","password":"canary\\n"}',
        `{"username":"app","password":"${"canary".repeat(4_000)}"}`,
      ]) {
        const { file, rotation } = yield* open(content)
        const error = yield* Effect.flip(Effect.scoped(rotation.user))
        assert.include(error.message, file, content)
        assert.notInclude(error.message, "canary")
      }
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.live("starts before the file exists, and connects when it does", () =>
    Effect.gen(function* () {
      const database = yield* PostgresCredentialsTest.makeDatabase
      const { file, rotation } = yield* open("", database.url)
      const options = { url: database.url, rotation }
      const connect = PostgresClient.open(options, { startupParameters: {} })
      assert.strictEqual((yield* Effect.flip(connect)).reason._tag, "ConnectionError")
      yield* replaceFile(file, JSON.stringify(yield* database.createUser))
      yield* eventually(Effect.isSuccess(Effect.scoped(connect)))
    }).pipe(Effect.provide(NodeServices.layer)),
  )
})
