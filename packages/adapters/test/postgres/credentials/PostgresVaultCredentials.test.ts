import * as PostgresAccess from "@btc-price/adapters/postgres/credentials/PostgresAccess"
import * as PostgresClient from "@btc-price/adapters/postgres/PostgresClient"
import { Readiness } from "@btc-price/domain/Readiness"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as PostgresCredentialsTest from "./PostgresCredentialsTest.ts"
import { connect } from "./PostgresCredentialsTest.ts"
import * as TestAuthority from "../../TestAuthority.ts"
import * as VaultServer from "./VaultServer.ts"
import { eventually } from "../../Waiting.ts"

const { appRole, kubernetes } = VaultServer

PostgresCredentialsTest.suite("a dynamic role of Vault, by Kubernetes", (database) =>
  Effect.gen(function* () {
    const vault = yield* VaultServer.make({ database, leaseSeconds: 2, maximumSeconds: 2 })
    const auth = yield* kubernetes
    return {
      credentials: { kind: "vault", address: vault.address, path: "database/creds/app", auth },
      rotate: Effect.suspend(() => {
        const before = vault.mints()
        return eventually(Effect.sync(() => vault.mints() > before))
      }),
      secrets: () => vault.secrets,
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

/** A program with users of a dynamic role; `stop` ends it. */
const start = Effect.fnUntraced(function* (lease: {
  readonly leaseSeconds: number
  readonly maximumSeconds: number
  readonly tokenSeconds?: number
  readonly maximumTokenSeconds?: number
}) {
  const database = yield* PostgresCredentialsTest.makeDatabase
  const vault = yield* VaultServer.make({ database, ...lease })
  const auth = yield* kubernetes
  const access = yield* PostgresAccess.open({
    url: database.url,
    role: database.role,
    credentials: { kind: "vault", address: vault.address, path: "database/creds/app", auth },
  })
  const sql = Context.get(yield* connect(access), PgClient.PgClient)
  const user = Effect.map(
    sql<{ readonly name: string }>`select session_user as name`,
    ([row]) => row?.name ?? "",
  )
  return { database, vault, access, sql, user }
})

describe("PostgresVaultCredentials", () => {
  it.live("renew a lease for as long as Vault does that, and then change the user", () =>
    Effect.gen(function* () {
      const { vault, user } = yield* start({ leaseSeconds: 3, maximumSeconds: 7 })
      const first = yield* user
      const renewals = () => vault.requests.filter(({ path }) => path === "sys/leases/renew").length
      yield* eventually(Effect.sync(() => renewals() === 1))
      assert.strictEqual(yield* user, first)
      yield* eventually(Effect.map(user, (name) => name !== first))
      assert.isAbove(renewals(), 1)
      // The one before is given back once nobody is connected as it, and not before.
      yield* eventually(Effect.sync(() => vault.tokens() === 1))
      assert.notInclude(vault.users(), first)
      assert.strictEqual(vault.cutOff(), 0)
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.live("change the user before the token ends that it was read with", () =>
    Effect.gen(function* () {
      const { vault, user } = yield* start({
        leaseSeconds: 600,
        maximumSeconds: 600,
        tokenSeconds: 3,
        maximumTokenSeconds: 3,
      })
      const first = yield* user
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

  it.live("give the user and the token back when the program stops", () =>
    Effect.gen(function* () {
      const database = yield* PostgresCredentialsTest.makeDatabase
      const vault = yield* VaultServer.make({ database, leaseSeconds: 600, maximumSeconds: 600 })
      const auth = yield* kubernetes
      yield* Effect.gen(function* () {
        const access = yield* PostgresAccess.open({
          url: database.url,
          credentials: { kind: "vault", address: vault.address, path: "database/creds/app", auth },
        })
        const sql = Context.get(yield* connect(access), PgClient.PgClient)
        yield* sql`select 1`
        assert.strictEqual(vault.users().length, 1)
      }).pipe(Effect.scoped)
      assert.deepStrictEqual([vault.users(), vault.tokens(), vault.cutOff()], [[], 0, 0])
      assert.strictEqual(vault.mints(), 1)
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  for (const health of ["down", "hang"] as const) {
    it.live(
      `keep the connections while Vault ${health === "down" ? "is sealed" : "hangs"}, say so, and change it afterwards`,
      () =>
        Effect.gen(function* () {
          const { vault, access, sql, user } = yield* start({ leaseSeconds: 2, maximumSeconds: 600 })
          const readiness = Context.get(
            yield* Layer.build(
              Layer.provide(
                PostgresAccess.layerReadiness(access),
                Layer.succeed(Readiness, {
                  check: Effect.succeed({ ready: true, reasons: ["CZK has no current price"] }),
                }),
              ),
            ),
            Readiness,
          )
          const first = yield* user
          yield* vault.setHealth(health)
          yield* eventually(Effect.map(readiness.check, ({ reasons }) => reasons.length === 2))
          const { ready, reasons } = yield* readiness.check
          assert.isTrue(ready)
          assert.match(reasons[1] ?? "", /^No new credentials for the database: Vault does not /)
          // The connection lives on, although its user has expired by now.
          yield* eventually(Effect.sync(() => !vault.users().includes(first)))
          yield* sql`select count(*) from price`
          yield* vault.setHealth("up")
          // PostgreSQL cannot always name a user that is gone.
          const named = Effect.orElseSucceed(user, () => first)
          yield* eventually(Effect.map(named, (name) => name !== first))
          assert.lengthOf((yield* readiness.check).reasons, 1)
        }).pipe(Effect.provide(NodeServices.layer)),
    )
  }

  it.live("begin although Vault is away, and connect when it is there", () =>
    Effect.gen(function* () {
      const database = yield* PostgresCredentialsTest.makeDatabase
      const vault = yield* VaultServer.make({ database, leaseSeconds: 600, maximumSeconds: 600 })
      yield* vault.setHealth("down")
      const auth = yield* kubernetes
      const access = yield* PostgresAccess.open({
        url: database.url,
        credentials: { kind: "vault", address: vault.address, path: "database/creds/app", auth },
      })
      const sql = Context.get(yield* connect(access), PgClient.PgClient)
      const error = yield* Effect.flip(sql`select 1`)
      assert.strictEqual(
        error.reason.message,
        "No new credentials for the database: Vault does not log in: it answers 503",
      )
      yield* vault.setHealth("up")
      yield* eventually(Effect.isSuccess(sql`select 1`))
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.live("are read with the proofs as they are by then, and refused with others", () =>
    Effect.gen(function* () {
      const database = yield* PostgresCredentialsTest.makeDatabase
      const vault = yield* VaultServer.make({ database, leaseSeconds: 600, maximumSeconds: 600 })
      const auth = yield* appRole
      const fileSystem = yield* FileSystem.FileSystem
      yield* fileSystem.writeFileString(auth.secretIdFile, "another-canary")
      const access = yield* PostgresAccess.open({
        url: database.url,
        credentials: {
          kind: "vault",
          address: vault.address,
          path: "database/creds/app",
          auth,
        },
      })
      const trouble = (yield* access.credentials?.trouble ?? Effect.succeed(null)) ?? ""
      assert.include(trouble, "Vault does not log in: it answers 400")
      assert.notInclude(trouble, "canary")
      yield* fileSystem.writeFileString(auth.secretIdFile, VaultServer.secretId)
      const session = PostgresClient.open(access, { startupParameters: {} })
      yield* eventually(Effect.isSuccess(Effect.scoped(session)))
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.live("are replaced when an operator has revoked them", () =>
    Effect.gen(function* () {
      const { database, vault, access } = yield* start({ leaseSeconds: 60, maximumSeconds: 600 })
      const session = Effect.scoped(PostgresClient.open(access, { startupParameters: {} }))
      yield* session
      yield* vault.revokeAll
      // A user that has just been made is not replaced at once: a server may refuse it for a reason of its own.
      yield* eventually(Effect.isSuccess(session))
      assert.strictEqual(vault.mints(), 2)
      assert.isNotEmpty(yield* database.admin`select from pg_roles where rolname = any(${vault.users()})`)
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.live("come by verified TLS, from a Vault that the given authority has signed", () =>
    Effect.gen(function* () {
      const database = yield* PostgresCredentialsTest.makeDatabase
      const authority = yield* TestAuthority.make
      const tls = yield* authority.issue("2040-01-01")
      const vault = yield* VaultServer.make({ database, leaseSeconds: 600, maximumSeconds: 600, tls })
      const auth = yield* kubernetes
      const troubleWith = Effect.fnUntraced(function* (authorities: string | undefined) {
        const { credentials } = yield* PostgresAccess.open({
          url: database.url,
          credentials: {
            kind: "vault",
            address: vault.address,
            path: "database/creds/app",
            auth,
            authorities,
          },
        })
        return yield* credentials?.trouble ?? Effect.die("there are none")
      }, Effect.scoped)
      assert.isNull(yield* troubleWith(authority.certificate))
      const other = yield* TestAuthority.make
      for (const authorities of [undefined, other.certificate]) {
        assert.include((yield* troubleWith(authorities)) ?? "", "it cannot be reached")
      }
    }).pipe(Effect.provide(NodeServices.layer)),
  )
})
