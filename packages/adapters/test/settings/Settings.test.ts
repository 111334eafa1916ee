import * as Settings from "@btc-price/adapters/settings/Settings"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as ConfigProvider from "effect/ConfigProvider"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as TestAuthority from "../TestAuthority.ts"

const within =
  (env: Record<string, string>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnvRecord(env, { preserveEmptyStrings: true }),
      ),
      Effect.provide(NodeServices.layer),
    )

const cognito = {
  COGNITO_REGION: "eu-central-1",
  COGNITO_USER_POOL_ID: "eu-central-1_AbCdEfGhI",
  COGNITO_CLIENT_ID: "client",
  COGNITO_CLIENT_SECRET: "hunter2",
}
const databaseUrl = "postgres://user:hunter2@db.example.com:5432/btc"

const sealingKey = Buffer.alloc(32, "hunter2").toString("base64")

/** The setting that each problem of `effect` under `env` begins with. */
const problems = <A, R>(effect: Effect.Effect<A, Settings.SettingsError, R>, env: Record<string, string>) =>
  Effect.map(within(env)(Effect.flip(effect)), (error) => {
    assert.notInclude(error.message, "hunter2", "no secret in a message")
    return error.problems.map((problem) => problem.split(" ")[0])
  })

describe("Settings", () => {
  it.effect("of the embedded program need nothing", () =>
    Effect.gen(function* () {
      const settings = yield* Settings.embedded
      assert.deepStrictEqual(settings.api, {
        host: "127.0.0.1",
        port: 5000,
        tls: undefined,
        isBehindTerminator: false,
        trustedProxies: [],
        responseSeconds: 3,
      })
      assert.deepStrictEqual(settings.management, { host: "127.0.0.1", port: 5001 })
      assert.deepStrictEqual(settings.currencies, ["EUR", "CZK"])
      assert.strictEqual(DateTime.zoneToString(settings.timeZone), "UTC")
      const { settings: shown, ...log } = settings.log
      assert.deepStrictEqual(log, { level: "info", format: "pretty", service: "btc-price", warnings: [] })
      assert.deepInclude(shown, { CURRENCIES: "EUR,CZK", HTTP_PORT: "5000", PASSWORD_LOGIN: "on" })
      assert.deepStrictEqual([settings.cognito, settings.dataDirectory], [undefined, ".data"])
    }).pipe(within({})),
  )

  it.effect("refuse user pools of emulators, other regions, and TLS that trusts anybody", () =>
    Effect.gen(function* () {
      const env = { DATABASE_URL: databaseUrl, ...cognito }
      const of = (changes: Record<string, string>) => problems(Settings.http, { ...env, ...changes })
      assert.strictEqual((yield* of({ COGNITO_USER_POOL_ID: "local_4XyZ" }))[0], "COGNITO_USER_POOL_ID")
      assert.strictEqual((yield* of({ COGNITO_REGION: "local" }))[0], "COGNITO_REGION")
      assert.deepStrictEqual(yield* of({ COGNITO_REGION: "eu-west-1" }), ["COGNITO_USER_POOL_ID"])
      const replica = { COGNITO_REGION: "eu-west-1", COGNITO_REPLICA_REGIONS: "us-east-1,eu-west-1" }
      const settings = yield* within({ ...env, ...replica })(Settings.http)
      assert.deepStrictEqual(settings.cognito.replicaRegions, ["us-east-1", "eu-west-1"])
      const unverified = { ...env, NODE_TLS_REJECT_UNAUTHORIZED: "0" }
      assert.deepStrictEqual(yield* problems(Settings.http, unverified), ["NODE_TLS_REJECT_UNAUTHORIZED"])
      assert.deepStrictEqual(yield* problems(Settings.worker, unverified), ["NODE_TLS_REJECT_UNAUTHORIZED"])
      assert.deepStrictEqual(yield* problems(Settings.embedded, unverified), ["NODE_TLS_REJECT_UNAUTHORIZED"])
    }),
  )

  it.effect("of the programs are read as they are meant", () =>
    Effect.gen(function* () {
      const http = yield* Settings.http
      assert.strictEqual(Redacted.value(http.database.url), databaseUrl)
      assert.strictEqual(http.cognito.region, "eu-central-1")
      assert.deepStrictEqual(http.cognito.clientSecrets.map(Redacted.value), ["hunter2"])
      assert.deepStrictEqual(http.log.format, "terminal")
      const worker = yield* Settings.worker
      assert.deepStrictEqual(worker.currencies, ["CZK", "USD", "JPY"])
      assert.strictEqual(worker.installation, "db.example.com:5432")
      const { order, coinGecko, baseUrls } = worker.priceSources
      assert.deepStrictEqual(order, ["kraken", "coingecko"])
      assert.deepStrictEqual([coinGecko.plan, coinGecko.monthlyCalls], ["demo", 5000])
      assert.strictEqual(Redacted.value(coinGecko.apiKey!), "CG-hunter2")
      assert.deepStrictEqual(
        [baseUrls.kraken?.href, baseUrls.cnb],
        ["https://kraken.example.com/", undefined],
      )
      assert.strictEqual(worker.retentionMonths, 2)
      assert.strictEqual(BigDecimal.format(worker.minimumCoverage), "0.5")
      const { database, legacyDatabase, log } = yield* Settings.command(false)
      assert.strictEqual(Redacted.value(database!.url), databaseUrl)
      assert.strictEqual(Redacted.value(legacyDatabase!.url), "postgres://old@127.0.0.1/flask")
      assert.strictEqual(log.format, "pretty")
    }).pipe(
      within({
        ...cognito,
        DATABASE_URL: databaseUrl,
        CURRENCIES: "czk, USD,jpy",
        COINGECKO_PLAN: "demo",
        COINGECKO_API_KEY: "CG-hunter2",
        COINGECKO_MONTHLY_CALLS: "5000",
        PRICE_SOURCES: "kraken, coingecko",
        KRAKEN_BASE_URL: "https://kraken.example.com",
        RETENTION_MONTHS: "2",
        MINIMUM_COVERAGE: "0.5",
        LEGACY_DATABASE_URL: "postgres://old@127.0.0.1/flask",
      }),
    ),
  )

  for (const [name, ...values] of [
    ["PRICE_SOURCES", "kraken,binance", "kraken,kraken", ","],
    ["COINGECKO_MONTHLY_CALLS", "0", "-1", "1e3", "1.5"],
    ["RETENTION_MONTHS", "1", "two"],
    ["MINIMUM_COVERAGE", "1.01", "-0.1", "95%"],
    ["CNB_BASE_URL", "http://cnb.example.com", "ftp://127.0.0.1"],
    ["LEGACY_DATABASE_URL", "mysql://127.0.0.1/flask", "postgres://127.0.0.1/flask?host=example.com"],
  ] as const) {
    it.effect(`refuse ${name} of ${values.join(" and of ")}`, () =>
      Effect.gen(function* () {
        for (const value of values) {
          const env = { DATABASE_URL: databaseUrl, [name]: value }
          assert.deepStrictEqual(yield* problems(Settings.worker, env), [name])
        }
      }),
    )
  }

  it.effect("list everything that is missing or wrong at once", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problems(Settings.http, {}), [
        "DATABASE_URL",
        "COGNITO_REGION",
        "COGNITO_USER_POOL_ID",
        "COGNITO_CLIENT_ID",
        "COGNITO_CLIENT_SECRET",
      ])
      assert.deepStrictEqual(yield* problems(Settings.worker, {}), ["DATABASE_URL", "DATABASE_URL"])
      assert.deepStrictEqual(
        yield* problems(Settings.embedded, {
          HTTP_PORT: "70000",
          MANAGEMENT_PORT: "",
          CURRENCIES: "EUR,XXX",
          TIME_ZONE: "Europe/Atlantis",
          COINGECKO_API_KEY: "",
          COINGECKO_BASE_URL: "ftp://hunter2.example.com",
          LOG_LEVEL: "loud",
          DATABASE_CA_FILE: "/nowhere/ca.pem",
        }),
        [
          "HTTP_PORT",
          "MANAGEMENT_PORT",
          "CURRENCIES",
          "TIME_ZONE",
          "COINGECKO_API_KEY",
          "COINGECKO_BASE_URL",
          "LOG_LEVEL",
          "DATABASE_CA_FILE",
        ],
      )
      for (const [name, value] of [
        ["CURRENCIES", "EUR,EUR"],
        ["TIME_ZONE", "+02:00"],
        ["TIME_ZONE", "BST"],
        ["HTTP_PORT", "5e3"],
        ["DATABASE_URL", "mysql://user:hunter2@db.example.com/btc"],
        ["DATABASE_URL", "postgres://user:hunter2%@db.example.com/btc"],
        ["DATABASE_URL", "postgres://user:hunter2@localhost/btc?host=db.example.com"],
        ["DATABASE_URL", "db.example.com"],
      ] as const) {
        assert.deepStrictEqual(yield* problems(Settings.embedded, { [name]: value }), [name], value)
      }
    }),
  )

  it.effect("show everything except secrets in the log", () =>
    Effect.gen(function* () {
      const { log } = yield* within({
        ...cognito,
        DATABASE_URL: databaseUrl,
        REDIS_URL: "rediss://:hunter2@redis.example.com:6379",
        RATE_LIMIT_STORE: "redis",
        SEALING_KEY: sealingKey,
        COINGECKO_PLAN: "demo",
        COINGECKO_API_KEY: "hunter2",
        COINGECKO_BASE_URL: "https://user:hunter2@proxy.example.com/coingecko?key=hunter2",
      })(Settings.embedded)
      assert.notMatch(JSON.stringify(log), new RegExp(`hunter2|${sealingKey}`))
      assert.notProperty(log.settings, "DATABASE_URL")
      assert.deepInclude(log.settings, {
        COGNITO_REGION: cognito.COGNITO_REGION,
        COINGECKO_BASE_URL: "https://proxy.example.com/coingecko",
        RATE_LIMIT_STORE: "redis",
      })
    }),
  )

  it.effect("refuse settings that contradict each other", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problems(Settings.embedded, { COINGECKO_API_KEY: "hunter2" }), [
        "COINGECKO_API_KEY",
      ])
      assert.deepStrictEqual(yield* problems(Settings.embedded, { COINGECKO_PLAN: "pro" }), [
        "COINGECKO_PLAN",
      ])
      assert.deepStrictEqual(yield* problems(Settings.embedded, { COGNITO_CLIENT_ID: "client" }), [
        "COGNITO_USER_POOL_ID,",
      ])
      assert.deepStrictEqual(
        yield* problems(Settings.embedded, { REQUIRED_SCOPE: "read", COGNITO_MACHINE_CLIENT_IDS: "a,b" }),
        ["REQUIRED_SCOPE", "COGNITO_MACHINE_CLIENT_IDS"],
      )
      assert.deepStrictEqual(
        yield* problems(Settings.embedded, {
          AUTH_TOKEN_USE: "access",
          COGNITO_MACHINE_CLIENT_IDS: "a",
          COGNITO_CLIENT_SECRET: "one,hunter2,three",
        }),
        ["COGNITO_CLIENT_SECRET", "COGNITO_MACHINE_CLIENT_IDS"],
      )
      assert.deepStrictEqual(
        yield* problems(Settings.embedded, { ...cognito, COGNITO_REGION: "eu-west-1" }),
        ["COGNITO_USER_POOL_ID"],
      )
      assert.deepStrictEqual(
        yield* problems(Settings.embedded, { ...cognito, COGNITO_ENDPOINT: "https://cognito.example.com" }),
        ["COGNITO_ENDPOINT"],
      )
      assert.deepStrictEqual(yield* problems(Settings.embedded, { DRAIN_SECONDS: "25" }), [
        "GRACE_PERIOD_SECONDS",
      ])
    }),
  )

  for (const [name, env] of Object.entries({
    HTTP_HOST: { HTTP_HOST: "0.0.0.0" },
    TRUSTED_PROXIES: { HTTP_HOST: "0.0.0.0", TLS_TERMINATED_UPSTREAM: "on" },
    DATABASE_URL: { DATABASE_URL: `${databaseUrl}?sslmode=prefer` },
    COINGECKO_BASE_URL: { COINGECKO_BASE_URL: "http://prices.example.com/api/v3" },
    COGNITO_ENDPOINT: {
      COGNITO_ENDPOINT: "http://cognito.example.com",
      COGNITO_JWKS_URL: "https://keys.example.com/jwks.json",
    },
    COGNITO_JWKS_URL: {
      COGNITO_ENDPOINT: "https://cognito.example.com",
      COGNITO_JWKS_URL: "http://keys.example.com/jwks.json",
    },
    COGNITO_DOMAIN: {
      COGNITO_DOMAIN: "http://login.example.com",
      PUBLIC_URL: "https://btc-price.example.com",
    },
    PUBLIC_URL: { PUBLIC_URL: "http://btc-price.example.com" },
  })) {
    it.effect(`refuse an unsafe ${name}`, () =>
      Effect.gen(function* () {
        const base = { ...cognito, DATABASE_URL: databaseUrl }
        assert.deepStrictEqual(yield* problems(Settings.http, { ...base, ...env }), [name])
      }),
    )
  }

  it.effect("accept plaintext on loopback, and behind a declared TLS terminator", () =>
    Effect.gen(function* () {
      const { api } = yield* Settings.http
      assert.strictEqual(api.host, "0.0.0.0")
    }).pipe(
      within({
        ...cognito,
        DATABASE_URL: "postgres://user:password@127.0.0.1:5432/btc",
        HTTP_HOST: "0.0.0.0",
        TLS_TERMINATED_UPSTREAM: "on",
        TRUSTED_PROXIES: "none",
        COGNITO_ENDPOINT: "http://127.0.0.1:9229",
        COGNITO_JWKS_URL: "http://127.0.0.1:9229/jwks.json",
        COINGECKO_BASE_URL: "http://localhost:5002/api/v3",
      }),
    ),
  )

  it.effect("read the certificate authorities of the database", () => {
    const file = join(tmpdir(), `btc-price-authorities-${process.pid}.pem`)
    writeFileSync(file, "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n")
    return Effect.gen(function* () {
      const { database } = yield* Settings.worker
      assert.include(database.authorities, "BEGIN CERTIFICATE")
    }).pipe(within({ DATABASE_URL: databaseUrl, DATABASE_CA_FILE: file }))
  })

  it.effect("accept any address with a valid certificate and its key, and refuse all other files", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-11-24T10:00:00Z"))
      const folder = mkdtempSync(join(tmpdir(), "btc-price-settings-"))
      const write = (name: string, text: string) => {
        writeFileSync(join(folder, name), text)
        return join(folder, name)
      }
      const authority = yield* TestAuthority.make
      const pair = yield* authority.issue("2030-01-01")
      const [cert, key] = [write("cert.pem", pair.certificate), write("key.pem", pair.key)]
      const expired = yield* authority.issue("2026-11-24")
      const early = yield* authority.issue("2047-01-01")
      const refusals = {
        TLS_KEY_FILE: [
          { TLS_CERT_FILE: cert },
          { TLS_CERT_FILE: cert, TLS_KEY_FILE: join(folder, "nothing") },
          { TLS_CERT_FILE: cert, TLS_KEY_FILE: cert },
          { TLS_CERT_FILE: cert, TLS_KEY_FILE: write("other.pem", early.key) },
        ],
        TLS_CERT_FILE: [
          { TLS_KEY_FILE: key },
          { TLS_CERT_FILE: join(folder, "nothing"), TLS_KEY_FILE: key },
          { TLS_CERT_FILE: key, TLS_KEY_FILE: key },
          { TLS_CERT_FILE: write("cut.pem", pair.certificate.slice(0, 300)), TLS_KEY_FILE: key },
          {
            TLS_CERT_FILE: write("expired.pem", expired.certificate),
            TLS_KEY_FILE: write("expired-key.pem", expired.key),
          },
          {
            TLS_CERT_FILE: write("early.pem", early.certificate),
            TLS_KEY_FILE: write("early-key.pem", early.key),
          },
        ],
      }
      const base = { ...cognito, DATABASE_URL: databaseUrl, HTTP_HOST: "0.0.0.0" }
      for (const [name, environments] of Object.entries(refusals)) {
        for (const env of environments) {
          const upstream = { TLS_TERMINATED_UPSTREAM: "on", TRUSTED_PROXIES: "none" }
          const refused = yield* problems(Settings.http, { ...base, ...env, ...upstream })
          assert.deepStrictEqual(refused, [name], JSON.stringify(env))
          yield* within({ ...base, ...env })(Settings.worker)
        }
      }
      const files = { TLS_CERT_FILE: cert, TLS_KEY_FILE: key }
      const found = [
        yield* within({ ...base, ...files })(Settings.http),
        yield* within({ ...base, ...files })(Settings.embedded),
      ]
      for (const { api } of found) {
        assert.deepStrictEqual([api.host, api.tls], ["0.0.0.0", { certificateFile: cert, keyFile: key }])
      }
      rmSync(folder, { recursive: true })
    }),
  )

  it.effect("say how users sign in, and which secrets encrypt the state of a sign-in", () =>
    Effect.gen(function* () {
      const base = { ...cognito, DATABASE_URL: databaseUrl }
      const read = Effect.fnUntraced(function* (env: Record<string, string>) {
        const { passwordLogin, cognito: pool, sealing } = yield* within({ ...base, ...env })(Settings.http)
        const pages = pool.managedLogin && [pool.managedLogin.domain.href, pool.managedLogin.redirectUri]
        return { passwordLogin, pages, client: sealing.client, secrets: sealing.secrets.map(Redacted.value) }
      })
      assert.deepStrictEqual(yield* read({ COGNITO_CLIENT_SECRET: "new,old" }), {
        passwordLogin: true,
        pages: undefined,
        client: "client",
        secrets: ["new", "old"],
      })
      assert.deepStrictEqual(
        yield* read({
          PASSWORD_LOGIN: "off",
          COGNITO_DOMAIN: "https://login.example.com",
          PUBLIC_URL: "https://example.com/btc/",
          SEALING_KEY: sealingKey,
        }),
        {
          passwordLogin: false,
          pages: ["https://login.example.com/", "https://example.com/btc/callback"],
          client: "client",
          secrets: [sealingKey],
        },
      )
      const { sealing } = yield* within({})(Settings.embedded)
      assert.deepStrictEqual(sealing, { client: "memory", secrets: [] })
    }),
  )

  it.effect("refuse sign-ins that no other replica could finish, and login pages that lead nowhere", () =>
    Effect.gen(function* () {
      const { COGNITO_CLIENT_SECRET: _, ...open } = { ...cognito, DATABASE_URL: databaseUrl }
      const domain = { COGNITO_DOMAIN: "https://login.example.com", PUBLIC_URL: "https://example.com" }
      const off = { PASSWORD_LOGIN: "off" }
      for (const env of [open, { ...open, ...off, ...domain }]) {
        assert.deepStrictEqual(yield* problems(Settings.http, env), ["COGNITO_CLIENT_SECRET"])
        yield* within({ ...env, SEALING_KEY: sealingKey })(Settings.http)
        yield* within(env)(Settings.worker)
      }
      yield* within({ ...open, ...off })(Settings.http)
      const base = { ...cognito, DATABASE_URL: databaseUrl }
      for (const [name, env] of [
        ["SEALING_KEY", { SEALING_KEY: "hunter2" }],
        ["SEALING_KEY", { SEALING_KEY: Buffer.alloc(31).toString("base64") }],
        ["SEALING_KEY", { SEALING_KEY: `${sealingKey},hunter2` }],
        ["PUBLIC_URL", { COGNITO_DOMAIN: "https://login.example.com" }],
        ["PUBLIC_URL", { PUBLIC_URL: "https://example.com/?a=b" }],
        ["COGNITO_DOMAIN", { ...domain, COGNITO_DOMAIN: "https://login.example.com/oauth2" }],
        ["COGNITO_DOMAIN", { ...domain, COGNITO_DOMAIN: "https://user:hunter2@login.example.com" }],
      ] as const) {
        assert.deepStrictEqual(yield* problems(Settings.http, { ...base, ...env }), [name])
      }
      assert.deepStrictEqual(yield* problems(Settings.embedded, domain), ["COGNITO_DOMAIN"])
    }),
  )
})
