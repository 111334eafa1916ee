/** TLS to a real PostgreSQL: the client connects only to a server whose certificate the given authority has signed. */
import * as EmbeddedPostgres from "@btc-price/adapters/embedded/EmbeddedPostgres"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import * as PostgresFailure from "@btc-price/adapters/postgres/PostgresFailure"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer as describeLayer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { inject } from "vitest"
import * as DataFolder from "../embedded/DataFolder.ts"
import * as TestAuthority from "../TestAuthority.ts"
import { eventually } from "../Waiting.ts"

class TlsServer extends Context.Service<
  TlsServer,
  {
    readonly url: Redacted.Redacted
    readonly authority: TestAuthority.TestAuthority
    /** Makes the server present this certificate from now on. */
    readonly present: (pair: TestAuthority.Pair) => Effect.Effect<void, unknown>
  }
>()("@btc-price/adapters/test/PostgresTls.test/TlsServer") {}

const until = "2040-01-01"

const start = Effect.gen(function* () {
  const fileSystem = yield* FileSystem.FileSystem
  const { url } = yield* EmbeddedPostgres.start({
    dataDirectory: yield* DataFolder.make,
    settings: { fsync: "off" },
    password: Redacted.make("test"),
  })
  const authority = yield* TestAuthority.make
  const { sql } = yield* PostgresClient.open({ url }, { startupParameters: {} })
  const [found] = yield* sql<{ readonly folder: string }>`select current_setting('data_directory') as folder`
  const folder = found?.folder ?? ""
  const owner = yield* fileSystem.stat(folder)

  const write = Effect.fnUntraced(function* (name: string, content: string) {
    const file = `${folder}/${name}`
    yield* fileSystem.writeFileString(file, content, { mode: 0o600 })
    if (owner.uid._tag === "Some" && owner.gid._tag === "Some") {
      yield* fileSystem.chown(file, owner.uid.value, owner.gid.value)
    }
  })
  const loaded = Effect.scoped(
    Effect.gen(function* () {
      const session = yield* PostgresClient.open({ url }, { startupParameters: {} })
      const [row] = yield* session.sql<{ readonly loaded: string }>`
        select current_setting('ssl') || pg_conf_load_time() as loaded`
      return row?.loaded ?? ""
    }),
  )
  const present = Effect.fnUntraced(function* (pair: TestAuthority.Pair) {
    const before = yield* loaded
    yield* write("server.crt", pair.certificate)
    yield* write("server.key", pair.key)
    yield* sql`alter system set ssl = on`
    yield* sql`select pg_reload_conf()`
    yield* eventually(Effect.map(loaded, (now) => now !== before && now.startsWith("on")))
  })
  return TlsServer.of({ url, authority, present })
})

const connect = (url: Redacted.Redacted, authorities: string) =>
  Effect.scoped(
    Effect.flatMap(
      PostgresClient.open({ url, authorities }, { startupParameters: {} }),
      ({ sql }) => sql<{ readonly ssl: boolean; readonly version: string }>`
        select ssl, version from pg_stat_ssl where pid = pg_backend_pid()`,
    ),
  )

/** The sentence for the operator. */
const refusal = (url: Redacted.Redacted, authorities: string) =>
  Effect.map(Effect.flip(connect(url, authorities)), (error) => {
    assert.strictEqual(error.reason._tag, "ConnectionError")
    return PostgresFailure.sentenceOf("Connecting", { url }, error)
  })

describeLayer(Layer.effect(TlsServer, start).pipe(Layer.provideMerge(NodeServices.layer)), {
  excludeTestServices: true,
})("PostgreSQL over TLS", (it) => {
  it.effect("accepts a certificate that the given authority has signed", () =>
    Effect.gen(function* () {
      const { url, authority, present } = yield* TlsServer
      yield* present(yield* authority.issue(until))
      assert.deepStrictEqual(yield* connect(url, authority.certificate), [{ ssl: true, version: "TLSv1.3" }])
    }),
  )

  it.effect("refuses a certificate that another authority has signed", () =>
    Effect.gen(function* () {
      const { url, authority, present } = yield* TlsServer
      yield* present(yield* authority.issue(until))
      const other = yield* TestAuthority.make
      assert.match(
        yield* refusal(url, other.certificate),
        /^Cannot connect to database postgres at 127\.0\.0\.1:\d+ as user postgres: its certificate is signed by an authority that is not trusted: set DATABASE_CA_FILE/,
      )
    }),
  )

  it.effect("refuses a certificate for another host", () =>
    Effect.gen(function* () {
      const { url, authority, present } = yield* TlsServer
      yield* present(yield* authority.issue(until, "db.example.com"))
      assert.include(yield* refusal(url, authority.certificate), ": its certificate is for another host name")
    }),
  )

  it.effect("refuses an expired certificate", () =>
    Effect.gen(function* () {
      const { url, authority, present } = yield* TlsServer
      yield* present(yield* authority.issue("2020-01-01"))
      assert.include(yield* refusal(url, authority.certificate), ": its certificate has expired")
    }),
  )

  it.effect("refuses a server without TLS", () =>
    Effect.gen(function* () {
      const { authority } = yield* TlsServer
      const plaintext = Redacted.make(inject("testPostgres").url)
      assert.include(yield* refusal(plaintext, authority.certificate), ": it does not offer TLS")
    }),
  )
})
