import * as Settings from "@btc-price/adapters/settings/Settings"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"

const read = (env: Record<string, string>) =>
  Settings.worker.pipe(
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromEnvRecord(env, { preserveEmptyStrings: true }),
    ),
    Effect.provide(NodeServices.layer),
  )

const url = "postgres://db.example.com/btc"
const vault = {
  DATABASE_URL: url,
  DATABASE_CREDENTIALS: "vault",
  VAULT_ADDR: "https://vault.example.com:8200",
  VAULT_DATABASE_PATH: "database/creds/app",
  VAULT_ROLE: "btc-price",
}
const file = { DATABASE_URL: url, DATABASE_CREDENTIALS: "file", DATABASE_CREDENTIALS_FILE: "/vault/db.json" }
const rds = {
  DATABASE_URL: "postgres://app@prices.eu-central-1.rds.amazonaws.com/btc",
  DATABASE_CREDENTIALS: "rds-iam",
  AWS_REGION: "eu-central-1",
}

describe("CredentialsSettings", () => {
  it.effect("are read for each source of credentials", () =>
    Effect.gen(function* () {
      const { database } = yield* read({ ...file, DATABASE_ROLE: "btc_owner" })
      assert.deepStrictEqual(database.credentials, { kind: "file", file: "/vault/db.json" })
      assert.strictEqual(database.role, "btc_owner")
      assert.deepStrictEqual((yield* read(rds)).database.credentials, {
        kind: "rds-iam",
        region: "eu-central-1",
      })
      assert.deepStrictEqual((yield* read(vault)).database.credentials, {
        kind: "vault",
        address: new URL(vault.VAULT_ADDR),
        path: "database/creds/app",
        auth: {
          method: "kubernetes",
          role: "btc-price",
          tokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token",
        },
        authPath: undefined,
        namespace: undefined,
        authorities: undefined,
      })
      assert.deepStrictEqual(
        (yield* read({ DATABASE_URL: "postgres://user:password@127.0.0.1/btc" })).database.credentials,
        { kind: "static" },
      )
    }),
  )

  for (const [names, env] of [
    ["DATABASE_URL", { ...file, DATABASE_URL: "postgres://:hunter2@db.example.com/btc" }],
    ["DATABASE_URL", { ...file, DATABASE_URL: "postgres://user@db.example.com/btc" }],
    ["DATABASE_URL, DATABASE_URL", { ...vault, DATABASE_URL: "postgres://user:hunter2@db.example.com/btc" }],
    ["DATABASE_URL", { ...rds, DATABASE_URL: "postgres://app:hunter2@db.example.com/btc" }],
    ["DATABASE_URL", { ...rds, DATABASE_URL: url }],
    ["DATABASE_URL", { ...rds, DATABASE_URL: "postgres://app@127.0.0.1/btc" }],
    ["DATABASE_CREDENTIALS_FILE", { ...rds, DATABASE_CREDENTIALS_FILE: "/vault/db.json" }],
    ["DATABASE_CREDENTIALS_FILE", { DATABASE_URL: url, DATABASE_CREDENTIALS: "file" }],
    ["AWS_REGION", { DATABASE_URL: rds.DATABASE_URL, DATABASE_CREDENTIALS: "rds-iam" }],
    ["VAULT_ADDR, VAULT_DATABASE_PATH, VAULT_ROLE", { DATABASE_URL: url, DATABASE_CREDENTIALS: "vault" }],
    ["VAULT_ROLE_ID, VAULT_SECRET_ID_FILE", { ...vault, VAULT_AUTH: "approle" }],
    ["VAULT_ADDR", { ...vault, VAULT_ADDR: "http://vault.example.com:8200" }],
    ["VAULT_CA_FILE", { ...vault, VAULT_CA_FILE: "/nowhere/ca.pem" }],
    ["VAULT_DATABASE_PATH, VAULT_DATABASE_PATH", { ...vault, VAULT_DATABASE_PATH: "database/../sys/seal" }],
    ["DATABASE_CREDENTIALS", { DATABASE_URL: url, DATABASE_CREDENTIALS: "env" }],
  ] as const) {
    it.effect(`name ${names} where they are ${Object.entries(env).join(" ").replaceAll(",", "=")}`, () =>
      Effect.gen(function* () {
        const { problems, message } = yield* Effect.flip(read(env))
        assert.strictEqual(problems.map((problem) => problem.split(" ")[0]).join(", "), names)
        assert.notInclude(message, "hunter2")
      }),
    )
  }
})
