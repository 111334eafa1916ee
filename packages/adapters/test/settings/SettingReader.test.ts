import { declarations } from "@btc-price/adapters/settings/SettingDeclarations"
import * as SettingReader from "@btc-price/adapters/settings/SettingReader"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"

type Name = keyof typeof declarations

const read = (name: Name, text: string) =>
  SettingReader.read("embedded", name, declarations[name]).pipe(
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromEnvRecord({ [name]: text }, { preserveEmptyStrings: true }),
    ),
  )

const url = "https://example.com/api"
const databaseUrl = "postgres://user:password@127.0.0.1/btc"

/** A valid value of every setting. */
const valid: Readonly<Record<Name, string>> = {
  AUTH_TOKEN_USE: "access",
  AWS_REGION: "eu-central-1",
  BITSTAMP_BASE_URL: url,
  CNB_BASE_URL: url,
  COGNITO_CLIENT_ID: "client",
  COGNITO_CLIENT_SECRET: "new,old",
  COGNITO_DOMAIN: "https://login.example.com",
  COGNITO_ENDPOINT: url,
  COGNITO_JWKS_URL: url,
  COGNITO_MACHINE_CLIENT_IDS: "one, two",
  COGNITO_REGION: "eu-central-1",
  COGNITO_REPLICA_REGIONS: "eu-west-1, us-east-1",
  COGNITO_USER_POOL_ID: "eu-central-1_AbCdEfGhI",
  COINBASE_BASE_URL: url,
  COINGECKO_API_KEY: "CG-key",
  COINGECKO_BASE_URL: url,
  COINGECKO_MONTHLY_CALLS: "10000",
  COINGECKO_PLAN: "demo",
  COINMATE_BASE_URL: url,
  CURRENCIES: "EUR,CZK",
  DRAIN_SECONDS: "10",
  GRACE_PERIOD_SECONDS: "60",
  DATABASE_CA_FILE: "/etc/ca.pem",
  DATABASE_CREDENTIALS: "file",
  DATABASE_CREDENTIALS_FILE: "/vault/db.json",
  DATABASE_ROLE: "owner",
  DATABASE_URL: databaseUrl,
  DATA_DIR: ".data",
  HTTP_HOST: "127.0.0.1",
  HTTP_PORT: "5000",
  KRAKEN_BASE_URL: url,
  LEGACY_DATABASE_URL: databaseUrl,
  LOG_FORMAT: "json",
  LOG_LEVEL: "debug",
  MANAGEMENT_PORT: "5001",
  MINIMUM_COVERAGE: "0.5",
  PASSWORD_LOGIN: "off",
  PRICE_SOURCES: "kraken,coinbase",
  PROVIDER_CALLS_PER_SECOND: "60",
  PUBLIC_URL: url,
  RATE_LIMIT_PER_ADDRESS: "600",
  RATE_LIMIT_PER_USER: "60",
  RATE_LIMIT_SIGN_INS_PER_ADDRESS: "10",
  RATE_LIMIT_STORE: "redis",
  REDIS_URL: "redis://127.0.0.1:6379",
  REQUIRED_GROUP: "admins",
  REQUIRED_SCOPE: "btc-price/read",
  RETENTION_MONTHS: "2",
  SEALING_KEY: Buffer.alloc(32).toString("base64"),
  TIME_ZONE: "Europe/Prague",
  TLS_CERT_FILE: "/etc/cert.pem",
  TLS_KEY_FILE: "/etc/key.pem",
  TLS_TERMINATED_UPSTREAM: "on",
  TRUSTED_PROXIES: "10.0.0.0/8",
  VAULT_ADDR: url,
  VAULT_AUTH: "approle",
  VAULT_AUTH_PATH: "kubernetes",
  VAULT_CA_FILE: "/etc/ca.pem",
  VAULT_DATABASE_PATH: "database/creds/app",
  VAULT_JWT_FILE: "/var/token",
  VAULT_NAMESPACE: "team/app",
  VAULT_ROLE: "btc-price",
  VAULT_ROLE_ID: "role",
  VAULT_SECRET_ID_FILE: "/vault/secret",
}

describe("SettingReader", () => {
  for (const [name, text] of Object.entries(valid) as ReadonlyArray<[Name, string]>) {
    it.effect(`ignores white space around ${name}, and refuses what cannot belong to it`, () =>
      Effect.gen(function* () {
        const value = yield* read(name, text)
        for (const written of [`${text}\n`, `${text}\r\n`, ` ${text}\t`]) {
          assert.deepStrictEqual(yield* read(name, written), value)
        }
        for (const [written, fault] of [
          ["", "is set but empty"],
          [" \n", "is set but empty"],
          [`"${text}"`, "has quotes around it"],
          [`${text}\n${text}`, "has a line break"],
          [`${text}\0`, "has a line break"],
        ] as const) {
          assert.include(yield* Effect.flip(read(name, written)), `${name} ${fault}`)
        }
      }),
    )
  }

  for (const [name, text, items] of [
    ["CURRENCIES", "EUR,XXX,btc", `"XXX" and "BTC"`],
    ["CURRENCIES", "EUR,", `""`],
    ["PRICE_SOURCES", "coingecko,binance", `"binance"`],
    ["TRUSTED_PROXIES", "10.0.0.1,10.0.0.5/8,proxy", `"10.0.0.5/8" and "proxy"`],
    ["TRUSTED_PROXIES", "0.0.0.0/0,10.0.0.0/8,::/0", `"0.0.0.0/0" and "::/0"`],
    ["TRUSTED_PROXIES", "0.0.0.0/1,128.0.0.0/1", `"0.0.0.0/1" and "128.0.0.0/1"`],
    ["TRUSTED_PROXIES", "2000::/3,::ffff:0:0/96", `"2000::/3" and "::ffff:0:0/96"`],
    ["TRUSTED_PROXIES", "none,10.0.0.7", `"none"`],
    ["COGNITO_MACHINE_CLIENT_IDS", "a,,b", `""`],
  ] as const) {
    it.effect(`names ${items} in ${name}=${text}, and the legal values`, () =>
      Effect.gen(function* () {
        assert.strictEqual(
          yield* Effect.flip(read(name, text)),
          `${name} is not valid because of ${items}: expected ${declarations[name].expected}`,
        )
      }),
    )
  }

  it.effect("never shows a secret or a part of it", () =>
    Effect.gen(function* () {
      for (const name of ["SEALING_KEY", "COGNITO_CLIENT_SECRET"] as const) {
        const message = yield* Effect.flip(read(name, "hunter2,hunter2,hunter2"))
        assert.notInclude(message, "hunter2")
      }
      assert.notInclude(yield* Effect.flip(read("SEALING_KEY", "hunter2,hunter3")), "hunter")
    }),
  )

  it("lists every currency that is legal", () => {
    assert.match(declarations.CURRENCIES.expected, /AED, ARS, .*CZK, .*ZAR/)
  })

  it.effect("takes single addresses as networks, and none as no network", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read("TRUSTED_PROXIES", "none"), [])
      const networks = yield* read("TRUSTED_PROXIES", "10.0.0.7,2001:db8::1,10.0.0.0/8")
      assert.deepStrictEqual((networks as ReadonlyArray<unknown>).map(String), [
        "10.0.0.7/32",
        "2001:db8::1/128",
        "10.0.0.0/8",
      ])
    }),
  )

  for (const [written, host] of [
    ["::1", "::1"],
    ["[::1]", "::1"],
    ["::", "::"],
    ["localhost", "localhost"],
    ["localhost:5000", undefined],
    ["http://localhost", undefined],
    ["[::1]:5000", undefined],
  ] as const) {
    it.effect(`reads HTTP_HOST=${written} as ${host ?? "no host"}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* Effect.orElseSucceed(read("HTTP_HOST", written), () => undefined), host)
      }),
    )
  }
})
