import * as SettingMisspelling from "@btc-price/adapters/settings/SettingMisspelling"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"

const warnings = (...names: ReadonlyArray<string>) =>
  Effect.provideService(
    SettingMisspelling.warnings,
    ConfigProvider.ConfigProvider,
    ConfigProvider.fromEnvRecord(Object.fromEntries(names.map((name) => [name, "1"]))),
  )

describe("SettingMisspelling", () => {
  for (const [written, meant] of [
    ["HTTP_PROT", "HTTP_PORT"],
    ["HTTP_POT", "HTTP_PORT"],
    ["HTTP_PORTT", "HTTP_PORT"],
    ["HTTPS_PORT", "HTTP_PORT"],
    ["http_port", "HTTP_PORT"],
    ["DATABASE_ULR", "DATABASE_URL"],
    ["DATABASE_URI", "DATABASE_URL"],
    ["TIMEZONE", "TIME_ZONE"],
    ["REQUIRED_GRUOP", "REQUIRED_GROUP"],
    ["CURRENCEIS", "CURRENCIES"],
    ["COINGEKO_API_KEY", "COINGECKO_API_KEY"],
    ["LOGLEVEL", "LOG_LEVEL"],
  ] as const) {
    it.effect(`notices ${written}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* warnings("PATH", written), [
          `${written} is not a setting of this program: did you mean ${meant}?`,
        ])
      }),
    )
  }

  it.effect("leaves the variables of other programs, the settings, and what a setting makes needless", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* warnings(
          ..."HOME TZ NO_PROXY HTTP_PROXY HTTPS_PROXY http_proxy SMTP_PORT SMTP_HOST SSL_CERT_FILE SSL_CERT_DIR".split(
            " ",
          ),
          ..."PGHOST AWS_REGION AWS_DEFAULT_REGION VAULT_TOKEN VAULT_CACERT XDG_DATA_DIRS REDIS_HOST NODE_ENV".split(
            " ",
          ),
          ..."HTTP_SERVICE_PORT KUBERNETES_PORT_443_TCP_ADDR _ npm_config_ DATABASE_URL DATABASE_URI".split(
            " ",
          ),
        ),
        [],
      )
    }),
  )
})
