import * as PostgresCredentialsSource from "@btc-price/adapters/postgres/credentials/PostgresCredentialsSource"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import { Readiness } from "@btc-price/domain/Readiness"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as TestAuthority from "../../TestAuthority.ts"
import { eventually } from "../../Waiting.ts"
import * as LeaseClock from "./LeaseClock.ts"
import * as PostgresCredentialsTest from "./PostgresCredentialsTest.ts"
import { connect } from "./PostgresCredentialsTest.ts"
import * as VaultServer from "./VaultServer.ts"

const { appRole, kubernetes } = VaultServer

PostgresCredentialsTest.suite("a dynamic role of Vault, by Kubernetes", (database) =>
  Effect.gen(function* () {
    const { clock, passSleep } = yield* LeaseClock.make
    const vault = yield* VaultServer.make({ database, leaseSeconds: 30, maximumSeconds: 30 }).pipe(
      Effect.provideService(Clock.Clock, clock),
    )
    const auth = yield* kubernetes
    return {
      credentials: { kind: "vault", address: vault.address, path: "database/creds/app", auth },
      rotate: Effect.suspend(() => {
        const before = vault.mints()
        const isRotated = Effect.sync(() => vault.mints() > before)
        return Effect.andThen(passSleep("20 seconds"), eventually(isRotated))
      }),
      secrets: () => vault.secrets,
      clock,
    }
  }),
)

PostgresCredentialsTest.suite("a static role of Vault, by AppRole, in a namespace", (database) =>
  Effect.gen(function* () {
    const namespace = "team/app"
    const vault = yield* VaultServer.make({ database, leaseSeconds: 0, maximumSeconds: 0, namespace })
    const auth = yield* appRole
    return {
      credentials: {
        kind: "vault",
        address: vault.address,
        path: "database/static-creds/app",
        auth,
        namespace,
      },
      rotate: vault.rotateStatic,
      secrets: () => vault.secrets,
    }
  }),
)

/** A client with users of a dynamic role, whose leases end by a clock that the test advances. */
const start = Effect.fnUntraced(function* (lease: Omit<VaultServer.Options, "database">) {
  const database = yield* PostgresCredentialsTest.makeDatabase
  const auth = yield* kubernetes
  const { clock, ...time } = yield* LeaseClock.make
  const { vault, options } = yield* Effect.gen(function* () {
    const vault = yield* VaultServer.make({ database, ...lease })
    const options = yield* PostgresCredentialsSource.open({
      url: database.url,
      role: database.role,
      credentials: { kind: "vault", address: vault.address, path: "database/creds/app", auth },
    })
    return { vault, options }
  }).pipe(Effect.provideService(Clock.Clock, clock))
  const sql = Context.get(yield* connect(options), PgClient.PgClient)
  const user = Effect.map(
    sql<{ readonly name: string }>`select session_user as name`,
    ([row]) => row?.name ?? "",
  )
  const session = Effect.scoped(PostgresClient.open(options, { startupParameters: {} }))
  return { database, vault, options, sql, user, session, ...time }
})

describe("PostgresVaultCredentials", () => {
  it.live("renews a lease for as long as Vault allows, and then changes the user", () =>
    Effect.gen(function* () {
      const { vault, user, passSleep } = yield* start({ leaseSeconds: 30, maximumSeconds: 70 })
      const first = yield* user
      const renewals = () => vault.requests.filter((path) => path === "sys/leases/renew").length
      for (const count of [1, 2]) {
        yield* passSleep("20 seconds")
        yield* eventually(Effect.sync(() => renewals() === count))
        assert.strictEqual(yield* user, first)
      }
      yield* passSleep("20 seconds")
      yield* eventually(Effect.map(user, (name) => name !== first))
      assert.deepStrictEqual([renewals(), vault.mints()], [3, 2])
      // The previous user is revoked once no connection uses it, and not before.
      yield* eventually(Effect.sync(() => vault.tokens() === 1))
      assert.notInclude(vault.users(), first)
      assert.strictEqual(vault.cutOff(), 0)
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.live("changes the user before the token that read it ends", () =>
    Effect.gen(function* () {
      const { vault, user, passSleep } = yield* start({
        leaseSeconds: 600,
        maximumSeconds: 600,
        tokenSeconds: 30,
        maximumTokenSeconds: 30,
      })
      const first = yield* user
      yield* passSleep("20 seconds")
      yield* eventually(
        Effect.map(user, (name) => {
          assert.include(vault.users(), name)
          return name !== first
        }),
      )
      yield* eventually(Effect.sync(() => vault.tokens() === 1))
      assert.notInclude(vault.users(), first)
      assert.strictEqual(vault.cutOff(), 0)
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.live("revokes the user and the token when the program stops", () =>
    Effect.gen(function* () {
      const database = yield* PostgresCredentialsTest.makeDatabase
      const vault = yield* VaultServer.make({ database, leaseSeconds: 600, maximumSeconds: 600 })
      const auth = yield* kubernetes
      yield* Effect.gen(function* () {
        const options = yield* PostgresCredentialsSource.open({
          url: database.url,
          credentials: { kind: "vault", address: vault.address, path: "database/creds/app", auth },
        })
        const sql = Context.get(yield* connect(options), PgClient.PgClient)
        yield* sql`select 1`
        assert.strictEqual(vault.users().length, 1)
      }).pipe(Effect.scoped)
      assert.deepStrictEqual([vault.users(), vault.tokens(), vault.cutOff()], [[], 0, 0])
      assert.strictEqual(vault.mints(), 1)
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  for (const health of ["down", "hang"] as const) {
    const what = health === "down" ? "is sealed" : "hangs"
    it.live(`keeps the connections while Vault ${what}, reports it, and changes the user afterwards`, () =>
      Effect.gen(function* () {
        const { vault, options, sql, user, session, passSleep } = yield* start({
          leaseSeconds: 60,
          maximumSeconds: 600,
        })
        const readiness = Context.get(
          yield* Layer.build(
            Layer.provide(
              PostgresCredentialsSource.layerReadiness(options),
              Layer.succeed(Readiness, {
                check: Effect.succeed({ ready: true, reasons: ["CZK has no current price"] }),
              }),
            ),
          ),
          Readiness,
        )
        const first = yield* user
        yield* vault.setHealth(health)
        yield* passSleep("40 seconds")
        if (health === "hang") {
          // The call that renews the lease, and the call that logs in again.
          yield* passSleep("5 seconds")
          yield* passSleep("5 seconds")
        }
        yield* eventually(Effect.map(readiness.check, ({ reasons }) => reasons.length === 2))
        const { ready, reasons } = yield* readiness.check
        assert.isTrue(ready)
        assert.match(reasons[1] ?? "", /^No new credentials for the database: Vault does not log in: /)
        // An open connection outlives its user.
        yield* vault.dropAll
        yield* sql`select count(*) from price`
        yield* vault.setHealth("up")
        yield* eventually(Effect.isSuccess(session))
        assert.notStrictEqual(yield* user, first)
        assert.lengthOf((yield* readiness.check).reasons, 1)
      }).pipe(Effect.provide(NodeServices.layer)),
    )
  }

  it.live("starts without Vault, and connects when Vault is available", () =>
    Effect.gen(function* () {
      const database = yield* PostgresCredentialsTest.makeDatabase
      const vault = yield* VaultServer.make({ database, leaseSeconds: 600, maximumSeconds: 600 })
      yield* vault.setHealth("down")
      const auth = yield* kubernetes
      const options = yield* PostgresCredentialsSource.open({
        url: database.url,
        credentials: { kind: "vault", address: vault.address, path: "database/creds/app", auth },
      })
      const sql = Context.get(yield* connect(options), PgClient.PgClient)
      const error = yield* Effect.flip(sql`select 1`)
      assert.strictEqual(
        error.reason.message,
        "No new credentials for the database: Vault does not log in: it answers 503",
      )
      yield* vault.setHealth("up")
      yield* eventually(Effect.isSuccess(sql`select 1`))
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.live(
    "authenticates with the current content of the secret file, and is refused with another secret",
    () =>
      Effect.gen(function* () {
        const database = yield* PostgresCredentialsTest.makeDatabase
        const vault = yield* VaultServer.make({ database, leaseSeconds: 600, maximumSeconds: 600 })
        const auth = yield* appRole
        const fileSystem = yield* FileSystem.FileSystem
        yield* fileSystem.writeFileString(auth.secretIdFile, "another-canary")
        const options = yield* PostgresCredentialsSource.open({
          url: database.url,
          credentials: {
            kind: "vault",
            address: vault.address,
            path: "database/creds/app",
            auth,
          },
        })
        const problem = (yield* options.problem ?? Effect.succeed(null)) ?? ""
        assert.include(problem, "Vault does not log in: it answers 400")
        assert.notInclude(problem, "canary")
        yield* fileSystem.writeFileString(auth.secretIdFile, VaultServer.secretId)
        const session = PostgresClient.open(options, { startupParameters: {} })
        yield* eventually(Effect.isSuccess(Effect.scoped(session)))
      }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.live("replaces a user that an operator has revoked, but not one that was just created", () =>
    Effect.gen(function* () {
      const { database, vault, session, advance } = yield* start({ leaseSeconds: 60, maximumSeconds: 600 })
      yield* session
      yield* vault.dropAll
      // The server may reject a new user for a reason of its own.
      assert.strictEqual((yield* Effect.flip(session)).reason._tag, "AuthenticationError")
      assert.strictEqual(vault.mints(), 1)
      yield* advance("5 seconds")
      yield* session
      assert.strictEqual(vault.mints(), 2)
      assert.isNotEmpty(yield* database.admin`select from pg_roles where rolname = any(${vault.users()})`)
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.live("accepts only a Vault whose certificate the given authority has signed", () =>
    Effect.gen(function* () {
      const database = yield* PostgresCredentialsTest.makeDatabase
      const authority = yield* TestAuthority.make
      const tls = yield* authority.issue("2040-01-01")
      const vault = yield* VaultServer.make({ database, leaseSeconds: 600, maximumSeconds: 600, tls })
      const auth = yield* kubernetes
      const problemWith = Effect.fnUntraced(function* (authorities: string | undefined) {
        const { problem } = yield* PostgresCredentialsSource.open({
          url: database.url,
          credentials: {
            kind: "vault",
            address: vault.address,
            path: "database/creds/app",
            auth,
            authorities,
          },
        })
        return yield* problem ?? Effect.die("the credentials have no problem to report")
      }, Effect.scoped)
      assert.isNull(yield* problemWith(authority.certificate))
      const other = yield* TestAuthority.make
      for (const authorities of [undefined, other.certificate]) {
        assert.include((yield* problemWith(authorities)) ?? "", "it cannot be reached")
      }
    }).pipe(Effect.provide(NodeServices.layer)),
  )
})
