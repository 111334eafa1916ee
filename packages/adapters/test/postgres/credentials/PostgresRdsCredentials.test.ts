import * as PostgresCredentials from "@btc-price/adapters/postgres/credentials/PostgresCredentials"
import * as PostgresRdsCredentials from "@btc-price/adapters/postgres/credentials/PostgresRdsCredentials"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"

/** AWS's own example of a key pair; nothing is asked of AWS. */
const awsCredentials = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  sessionToken: "session-token",
}
const host = "prices.123456789012.eu-central-1.rds.amazonaws.com"
const options = {
  url: Redacted.make(`postgres://app%40reader@${host}:6432/prices`),
  region: "eu-central-1",
  awsCredentials,
}

describe("PostgresRdsCredentials", () => {
  it.effect(
    "are a token for the user, the endpoint and the region, that is valid for a quarter of an hour",
    () =>
      Effect.gen(function* () {
        const { username, password } = yield* PostgresRdsCredentials.read(options)
        assert.strictEqual(username, "app@reader")
        // A token is a URL without its scheme.
        const token = new URL(`https://${Redacted.value(password)}`)
        assert.deepStrictEqual([token.host, token.pathname], [`${host}:6432`, "/"])
        const day = token.searchParams.get("X-Amz-Date")?.slice(0, 8)
        assert.match(token.searchParams.get("X-Amz-Signature") ?? "", /^[0-9a-f]{64}$/)
        assert.deepInclude(Object.fromEntries(token.searchParams), {
          Action: "connect",
          DBUser: "app@reader",
          "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
          "X-Amz-Credential": `${awsCredentials.accessKeyId}/${day}/eu-central-1/rds-db/aws4_request`,
          "X-Amz-Expires": "900",
          "X-Amz-Security-Token": "session-token",
          "X-Amz-SignedHeaders": "host",
        })
        assert.notInclude(token.href, awsCredentials.secretAccessKey)
      }),
  )

  it.effect("name the port that PostgreSQL has where the URL names none", () =>
    Effect.gen(function* () {
      const url = Redacted.make(`postgres://app@${host}/prices`)
      const { password } = yield* PostgresRdsCredentials.read({ ...options, url })
      assert.isTrue(Redacted.value(password).startsWith(`${host}:5432/?`))
    }),
  )

  it.effect("are signed anew every ten minutes, and the user stays", () =>
    Effect.gen(function* () {
      let tokens = 0
      const credentials = yield* PostgresCredentials.make(
        PostgresRdsCredentials.read({
          ...options,
          awsCredentials: () => {
            tokens += 1
            return Promise.resolve(awsCredentials)
          },
        }),
      )
      const { untilOver, value } = yield* credentials.account
      assert.strictEqual(tokens, 1)
      const replaced = yield* Effect.forkChild(untilOver)
      yield* TestClock.adjust("9 minutes")
      assert.strictEqual(tokens, 1)
      yield* TestClock.adjust("1 minute")
      yield* TestClock.withLive(
        Effect.repeat(Effect.sleep("5 millis"), { until: () => tokens === 2, times: 1_000 }),
      )
      assert.strictEqual(tokens, 2)
      assert.isUndefined(replaced.pollUnsafe())
      assert.strictEqual(value.username, "app@reader")
      yield* Fiber.interrupt(replaced)
    }),
  )

  it.effect("are missed by a message without a key when AWS's chain has none", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        PostgresRdsCredentials.read({
          ...options,
          awsCredentials: () => Promise.reject(new Error(awsCredentials.secretAccessKey)),
        }),
      )
      assert.match(error.message, /no credentials to sign with \(Error\)/)
      assert.notInclude(error.message, awsCredentials.secretAccessKey)
    }),
  )
})
