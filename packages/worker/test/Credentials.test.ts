/** The real worker with a database user that changes every second and that is revoked at the end. */
import * as CoinGeckoReplay from "@btc-price/adapters/embedded/CoinGeckoReplay"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { makeDatabase } from "../../adapters/test/postgres/credentials/PostgresCredentialsTest.ts"
import * as VaultServer from "../../adapters/test/postgres/credentials/VaultServer.ts"
import { eventually } from "../../adapters/test/Waiting.ts"
import * as Program from "../../http/test/Program.ts"

const services = Layer.mergeAll(NodeServices.layer, NodeHttpClient.layerUndici, CoinGeckoReplay.layer())

layer(services, { excludeTestServices: true })("The worker with credentials from Vault", (it) => {
  it.effect("migrates as the owner, stays the leader from user to user, and revokes the last user", () =>
    Effect.gen(function* () {
      const { role, tokenFile } = yield* VaultServer.kubernetes
      const database = yield* makeDatabase
      yield* database.admin`drop schema public cascade`
      yield* database.admin`create schema public authorization ${database.admin(database.role)}`
      const vault = yield* VaultServer.make({
        database,
        leaseSeconds: 1,
        maximumSeconds: 1,
        // The worker needs no more time than it gets, however slow the machine is.
        graceSeconds: 600,
      })
      const { baseUrl } = yield* CoinGeckoReplay.CoinGeckoReplay
      const worker = yield* Program.start("worker", {
        env: {
          DATABASE_URL: Redacted.value(database.url),
          DATABASE_CREDENTIALS: "vault",
          DATABASE_ROLE: database.role,
          VAULT_ADDR: vault.address.href,
          VAULT_DATABASE_PATH: "database/creds/app",
          VAULT_ROLE: role,
          VAULT_JWT_FILE: tokenFile,
          COINGECKO_BASE_URL: baseUrl,
          PRICE_SOURCES: "coingecko",
        },
      })
      const prices = Effect.orElseSucceed(database.admin`select from price`, () => [])
      yield* eventually(Effect.map(prices, (rows) => rows.length > 0))
      yield* eventually(Effect.sync(() => vault.mints() > 4))

      const owners = yield* database.admin<{ readonly owner: string }>`
        select distinct pg_get_userbyid(relowner) as owner from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`
      assert.deepStrictEqual(owners, [{ owner: database.role }])
      assert.lengthOf(worker.output().match(/Became the leader/g) ?? [], 1)
      assert.notInclude(worker.output(), "will restart")
      const ready = yield* Effect.flatMap(HttpClient.get(`${worker.url}/ready`), ({ json }) => json)
      assert.deepInclude(ready, { ready: true, reasons: [] })

      assert.strictEqual(yield* worker.stop("SIGTERM"), 0)
      assert.deepStrictEqual([vault.users(), vault.tokens(), vault.cutOff()], [[], 0, 0])
      for (const secret of vault.secrets) assert.notInclude(worker.output(), secret)
    }),
  )
})
