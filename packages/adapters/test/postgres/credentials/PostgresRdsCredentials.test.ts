import * as PostgresRdsCredentials from "@btc-price/adapters/postgres/credentials/PostgresRdsCredentials"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** AWS's own example of a key pair. The tests do not call AWS. */
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

/** The next password, and why there is none. */
const sign = Effect.fnUntraced(function* (changed: Partial<PostgresRdsCredentials.Options> = {}) {
  const { password, problem } = yield* PostgresRdsCredentials.make({ ...options, ...changed })
  return { password: Redacted.value(yield* password), problem: yield* problem }
})

describe("PostgresRdsCredentials", () => {
  it.effect("signs a token for the user, the endpoint and the region, valid for 15 minutes", () =>
    Effect.gen(function* () {
      const { password, problem } = yield* sign()
      assert.isNull(problem)
      // A token is a URL without its scheme.
      const token = new URL(`https://${password}`)
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

  it.effect("uses PostgreSQL's port where the URL names no port", () =>
    Effect.gen(function* () {
      const { password } = yield* sign({ url: Redacted.make(`postgres://app@${host}/prices`) })
      assert.isTrue(password.startsWith(`${host}:5432/?`))
    }),
  )

  it.effect("signs a token for each connection, with the AWS credentials of that moment", () =>
    Effect.gen(function* () {
      let keys = 0
      const { password } = yield* PostgresRdsCredentials.make({
        ...options,
        awsCredentials: () =>
          Promise.resolve({ ...awsCredentials, accessKeyId: `KEY${++keys}`, expiration: new Date(0) }),
      })
      const keyOf = Effect.map(password, (token) => /=KEY(\d+)%2F/.exec(Redacted.value(token))?.[1])
      const [first, second] = [yield* keyOf, yield* keyOf]
      assert.isAbove(Number(second), Number(first))
    }),
  )

  it.effect("reports missing AWS credentials without a key, until there are some", () =>
    Effect.gen(function* () {
      let isMissing = true
      const { password, problem } = yield* PostgresRdsCredentials.make({
        ...options,
        awsCredentials: () =>
          isMissing
            ? Promise.reject(new Error(awsCredentials.secretAccessKey))
            : Promise.resolve(awsCredentials),
      })
      assert.strictEqual(Redacted.value(yield* password), "")
      assert.match((yield* problem) ?? "", /no credentials to sign with \(Error\)/)
      assert.notInclude((yield* problem) ?? "", awsCredentials.secretAccessKey)
      isMissing = false
      assert.notStrictEqual(Redacted.value(yield* password), "")
      assert.isNull(yield* problem)
    }),
  )
})
