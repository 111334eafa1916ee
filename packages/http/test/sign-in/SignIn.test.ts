/** Sign-in by password on real sockets, against a strict stand-in for Cognito. */
import * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { codeOf } from "../../../adapters/test/cognito/AuthenticatorApp.ts"
import type * as CognitoPool from "../../../adapters/test/cognito/CognitoPool.ts"
import * as CognitoServer from "../../../adapters/test/cognito/CognitoServer.ts"
import * as ApiReplica from "../ApiReplica.ts"
import { type Answer, assertProblem, fieldErrors, setTime } from "../ApiUnderTest.ts"

const password = "canary correct horse"
const totpSecret = Redacted.make("CANARYCANARYCANARYCANARYCANARY22")

const user = (username: string, other: Partial<CognitoPool.PoolUser> = {}): CognitoPool.PoolUser => ({
  username,
  password: Redacted.make(password),
  ...other,
})

const users = [
  user("alice"),
  user("tina", { totpSecret }),
  user("theo", { totpSecret }),
  user("nina", { mustDo: ["NEW_PASSWORD_REQUIRED", "MFA_SETUP"] }),
  user("sam", { codes: { SMS_MFA: "111111", EMAIL_OTP: "222222" } }),
]

const start = Effect.gen(function* () {
  yield* setTime("2026-11-24T10:02:30Z")
  const cognito = yield* CognitoServer.make({ users })
  return { cognito, api: yield* replica(cognito) }
})

const replica = ({ options }: CognitoServer.CognitoServer, changes: Partial<ApiReplica.Options> = {}) =>
  ApiReplica.start({
    users: CognitoUserPool.layer(options),
    secrets: options.clientSecrets,
    ...changes,
  })

const ask = ({ send }: ApiReplica.ApiReplica, path: string, body: unknown, type = "application/json") =>
  send("POST", path, { body: typeof body === "string" ? body : JSON.stringify(body), type })

const signIn = (api: ApiReplica.ApiReplica, username: string, secret = password) =>
  ask(api, "/get_token", { username, password: secret })

/** Answers the challenge in the response `posed`. */
const answer = (api: ApiReplica.ApiReplica, username: string, posed: Answer, text: string) =>
  ask(api, "/get_token/challenge", { username, session: posed.body.session, answer: text })

const refresh = (api: ApiReplica.ApiReplica, token: string) =>
  ask(api, "/get_token/refresh", { refresh_token: token })

const assertChallenge = (answer: Answer, name: string) => {
  assertProblem(answer, 403, "challenge-required")
  assert.strictEqual(answer.body.challenge, name)
}

const assertTokens = ({ status, body, headers, text }: Answer) => {
  assert.strictEqual(status, 200, text)
  assert.isTrue(text.startsWith('{"id_token":"'), "a shell cuts it out")
  assert.hasAllKeys(body, ["id_token", "access_token", "refresh_token", "token_type", "expires_in"])
  assert.deepStrictEqual([body.token_type, body.expires_in], ["Bearer", 3_600])
  assert.strictEqual(headers["cache-control"], "no-store")
}

describe("Sign-in", () => {
  it.effect("asks for a code on one replica and accepts it on another", () =>
    Effect.gen(function* () {
      const { cognito, api } = yield* start
      const posed = yield* api.send("POST", "/get_token", {
        body: JSON.stringify({ username: "tina", password }),
        type: "application/json",
      })
      assertChallenge(posed, "SOFTWARE_TOKEN_MFA")
      assert.strictEqual(posed.body.expires_at, "2026-11-24T10:05:30.000Z")
      assert.notInclude(Buffer.from(posed.body.session, "base64url").toString("latin1"), "canary")
      const other = yield* replica(cognito)
      assertTokens(yield* answer(other, "tina", posed, yield* codeOf(totpSecret)))
      for (const { log } of [api, other]) assert.notMatch(log(), /canary/i)
    }),
  )

  it.effect(
    "refuses a session of another user, key or time and a reused session, all with the same bytes",
    () =>
      Effect.gen(function* () {
        const { cognito, api } = yield* start
        const [ofTina, ofTheo] = [yield* signIn(api, "tina"), yield* signIn(api, "theo")]
        const code = yield* codeOf(totpSecret)
        const { session } = ofTina.body
        const refused: Record<string, Answer> = {}
        const calls = cognito.requests.length
        refused["of tina with theo"] = yield* answer(api, "theo", ofTina, code)
        refused["of theo with tina"] = yield* answer(api, "tina", ofTheo, code)
        refused["in other letters"] = yield* answer(api, "Tina", ofTina, code)
        const changed = {
          ...ofTina,
          body: { session: session.replace(/.$/, session.endsWith("A") ? "Q" : "A") },
        }
        refused["changed"] = yield* answer(api, "tina", changed, code)
        refused["made up"] = yield* answer(api, "tina", { ...ofTina, body: { session: "x" } }, code)
        const stranger = yield* replica(cognito, { secrets: [Redacted.make("another")] })
        refused["of another key"] = yield* answer(stranger, "tina", ofTina, code)
        assert.strictEqual(
          cognito.requests.length,
          calls + 1,
          "Cognito is called only for the other replica's keys",
        )

        assertTokens(yield* answer(api, "tina", ofTina, code))
        yield* TestClock.adjust("30 seconds")
        refused["answered before"] = yield* answer(api, "tina", ofTina, yield* codeOf(totpSecret))
        const late = yield* signIn(api, "theo")
        yield* TestClock.adjust("3 minutes")
        refused["too late"] = yield* answer(api, "theo", late, yield* codeOf(totpSecret))
        refused["with a wrong code"] = yield* answer(api, "theo", yield* signIn(api, "theo"), "000000")

        for (const [how, { text }] of Object.entries(refused)) {
          assertProblem(refused[how]!, 401, "challenge-failed")
          assert.strictEqual(text, refused["made up"]?.text, how)
        }
      }),
  )

  it.effect("changes a password and sets up an authenticator app", () =>
    Effect.gen(function* () {
      const { api } = yield* start
      const first = yield* signIn(api, "nina")
      assertChallenge(first, "NEW_PASSWORD_REQUIRED")
      assertProblem(yield* answer(api, "nina", first, "short"), 422, "invalid-new-password")
      const again = yield* signIn(api, "nina")
      const setUp = yield* answer(api, "nina", again, "canary battery staple")
      assertChallenge(setUp, "MFA_SETUP")
      assert.match(setUp.body.secret, /^[A-Z2-7]{32}$/)
      assertTokens(yield* answer(api, "nina", setUp, yield* codeOf(Redacted.make(setUp.body.secret))))
      assertProblem(yield* signIn(api, "nina"), 401, "invalid-credentials")
      assert.notInclude(api.log(), setUp.body.secret)
    }),
  )

  it.effect("lets the user choose where a code is sent, and says where it was sent", () =>
    Effect.gen(function* () {
      const { api } = yield* start
      const posed = yield* signIn(api, "sam")
      assertChallenge(posed, "SELECT_MFA_TYPE")
      assert.deepStrictEqual(posed.body.choices, ["SMS_MFA", "EMAIL_OTP"])
      const sent = yield* answer(api, "sam", posed, "EMAIL_OTP")
      assertChallenge(sent, "EMAIL_OTP")
      assert.isNotEmpty(sent.body.destination)
      assertTokens(yield* answer(api, "sam", sent, "222222"))
    }),
  )

  it.effect("refreshes, and reports a reused token only in the log and the metric", () =>
    Effect.gen(function* () {
      const { api } = yield* start
      const { body } = yield* signIn(api, "alice")
      const renewed = yield* refresh(api, body.refresh_token)
      assertTokens(renewed)
      const alarms = yield* refusals("reused-refresh-token")
      assert.notInclude(api.log(), '"level":"error"')
      const reused = yield* refresh(api, body.refresh_token)
      assertProblem(reused, 401, "invalid-refresh-token")
      assert.strictEqual((yield* refresh(api, "canary made up")).text, reused.text)
      assert.strictEqual((yield* refresh(api, renewed.body.refresh_token)).text, reused.text)
      assert.strictEqual(yield* refusals("reused-refresh-token"), alarms + 1)
      assert.match(api.log(), /"level":"error","msg":"[^"]*lost and the client tried again"/)
      assert.match(lineOf(api, "lost and"), /"trace_id":"[\da-f]{32}".*"address":"127\.0\.0\.1"/)
      assert.notMatch(api.log(), /canary/)
    }),
  )

  it.effect("counts each reason from 0, before anything was refused", () =>
    Effect.gen(function* () {
      yield* start
      const reasons = (yield* Metric.snapshot)
        .filter(({ id }) => id === "btc_price_sign_in_refusals_total")
        .map(({ attributes }) => attributes?.["reason"])
      assert.includeMembers(reasons, [
        "reused-refresh-token",
        "invalid-credentials",
        "throttled",
        "forbidden",
      ])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())),
  )

  it.effect("revokes a refresh token, and accepts a token that is already invalid", () =>
    Effect.gen(function* () {
      const { api } = yield* start
      const { body } = yield* signIn(api, "alice")
      for (const token of [body.refresh_token, body.refresh_token, "canary made up"]) {
        const revoked = yield* ask(api, "/get_token/revoke", { refresh_token: token })
        assert.deepStrictEqual([revoked.status, revoked.text], [204, ""])
      }
      assertProblem(yield* refresh(api, body.refresh_token), 401, "invalid-refresh-token")
      const reads = Effect.map(
        api.send("GET", "/v1/sources", { token: body.id_token }),
        ({ status }) => status,
      )
      assert.strictEqual(yield* reads, 200, "a token that was not shown stays valid")
      const shown = { refresh_token: body.refresh_token, token: body.id_token }
      assert.strictEqual((yield* ask(api, "/get_token/revoke", shown)).status, 204)
      assert.strictEqual(yield* reads, 401)
      assert.strictEqual((yield* ask(api, "/get_token/revoke", shown)).status, 204, "not twice either")
    }),
  )

  it.effect("revokes the refresh token and denies the shown token, each even if the other fails", () =>
    Effect.gen(function* () {
      const { cognito, api } = yield* start
      const { body: first } = yield* signIn(api, "alice")
      const invalid = { refresh_token: first.refresh_token, token: "canary.made.up" }
      assert.strictEqual((yield* ask(api, "/get_token/revoke", invalid)).status, 204)
      assertProblem(yield* refresh(api, first.refresh_token), 401, "invalid-refresh-token")

      const { body: second } = yield* signIn(api, "alice")
      cognito.answerCalls({ exception: "InternalErrorException" })
      const shown = { refresh_token: second.refresh_token, token: second.id_token }
      assertProblem(yield* ask(api, "/get_token/revoke", shown), 503, "identity-unavailable")
      const read = yield* api.send("GET", "/v1/sources", { token: second.id_token })
      assertProblem(read, 401, "invalid-token")
      assert.notMatch(api.log(), /canary/)
    }),
  )

  it.effect("answers every failed sign-in with the same bytes, and logs the cause", () =>
    Effect.gen(function* () {
      const { cognito, api } = yield* start
      const unknown = yield* signIn(api, "mallory")
      assertProblem(unknown, 401, "invalid-credentials")
      const same = (answer: Answer) =>
        assert.deepStrictEqual(
          [answer.status, answer.text, lastingOf(answer)],
          [401, unknown.text, lastingOf(unknown)],
        )
      same(yield* signIn(api, "alice", "canary wrong"))
      assert.match(lineOf(api, "A sign-in was refused"), /"subject":"2bd806c97f0e00af"/)
      same(yield* signIn(api, "tina", "canary wrong"))
      for (const [exception, message] of [
        ["NotAuthorizedException", "Password attempts exceeded"],
        ["NotAuthorizedException", "User is disabled."],
        ["UserNotConfirmedException", "User is not confirmed."],
        ["PasswordResetRequiredException", "Password reset required for the user"],
        // Exceptions that Cognito's reference of this call does not list.
        ["InvalidPasswordException", "Password did not conform with policy"],
        ["NeverHeardOfException", "It is not you"],
      ] as const) {
        cognito.answerCalls({ exception, message })
        same(yield* signIn(api, `alice of ${message}`))
        assert.include(api.log(), message)
      }
      assert.notMatch(api.log(), /canary/)
    }),
  )

  it.effect.each([
    ["LimitExceededException", 429, "too-many-attempts"],
    ["TooManyFailedAttemptsException", 429, "too-many-attempts"],
    ["TooManyRequestsException", 503, "identity-unavailable"],
    ["InternalErrorException", 503, "identity-unavailable"],
    ["ForbiddenException", 403, "sign-in-forbidden"],
    ["UserLambdaValidationException", 403, "sign-in-forbidden"],
    ["ResourceNotFoundException", 500, "internal-error"],
    ["InvalidUserPoolConfigurationException", 500, "internal-error"],
    ["UnexpectedLambdaException", 500, "internal-error"],
    ["NeverHeardOfException", 401, "invalid-credentials"],
  ] as const)("answers %s with %d %s", ([exception, status, name]) =>
    Effect.gen(function* () {
      const { cognito, api } = yield* start
      cognito.answerCalls({ exception, message: "canary" })
      const answer = yield* signIn(api, "alice")
      assertProblem(answer, status, name)
      assert.notInclude(answer.text, "canary")
      assert.strictEqual("retry-after" in answer.headers, status === 429 || status === 503)
    }),
  )

  it.effect.each(["NotAuthorizedException", "InvalidPasswordException", "UserLambdaValidationException"])(
    "makes a user who is refused with %s wait after five failures",
    (exception) =>
      Effect.gen(function* () {
        const { cognito, api } = yield* start
        cognito.answerCalls({ exception })
        // Each refusal takes a second, so the sixth does not have to wait either.
        for (let i = 0; i < 6; i++) assert.notStrictEqual((yield* signIn(api, "alice")).status, 429)
        const calls = cognito.requests.length
        assertProblem(yield* signIn(api, "alice"), 429, "too-many-attempts")
        assert.strictEqual(cognito.requests.length, calls)
      }),
  )

  it.effect("does not sign in on an unknown challenge or a page of HTML", () =>
    Effect.gen(function* () {
      const { cognito, api } = yield* start
      cognito.answerCalls({ challenge: "NEVER_HEARD_OF" })
      const unknown = yield* signIn(api, "alice")
      assertProblem(unknown, 403, "unknown-challenge")
      assert.notProperty(unknown.body, "session")
      const parameters = { requiredAttributes: '["userAttributes.email","userAttributes.name"]' }
      cognito.answerCalls({ challenge: "NEW_PASSWORD_REQUIRED", parameters })
      const attributes = yield* signIn(api, "alice")
      assertProblem(attributes, 403, "unknown-challenge")
      assert.match(attributes.body.detail, /requires email, name to be set\. GET \/login/)
      cognito.answerCalls("html")
      assertProblem(yield* signIn(api, "alice"), 503, "identity-unavailable")
      assert.notMatch(api.log(), /canary/)
    }),
  )

  it.effect("names what is wrong with each body, without repeating any of it", () =>
    Effect.gen(function* () {
      const { api } = yield* start
      for (const [path, expected] of [
        ["/get_token/challenge", { username: text(128), session: text(4_096), answer: text(256) }],
        ["/get_token/refresh", { refresh_token: text(4_096) }],
        ["/get_token/revoke", { refresh_token: text(4_096) }],
      ] as const) {
        assert.deepStrictEqual(fieldErrors(yield* ask(api, path, {})), expected)
        const wrong = Object.fromEntries(Object.keys(expected).map((field) => [field, ["canary"]]))
        assert.deepStrictEqual(fieldErrors(yield* ask(api, path, wrong)), expected)
        const malformed = yield* ask(api, path, '{"refresh_token":"canary')
        assert.deepStrictEqual(Object.keys(fieldErrors(malformed)), [""])
        const right = Object.fromEntries(Object.keys(expected).map((field) => [field, "x"]))
        const excess = fieldErrors(yield* ask(api, path, { ...right, canary: 1 }))
        assert.deepStrictEqual(Object.keys(excess), ["canary"])
        assertProblem(yield* ask(api, path, "{}", "text/plain"), 415, "not-json")
        assertProblem(yield* ask(api, path, { padding: "x".repeat(25_000) }), 413, "body-too-large")
      }
      assert.notMatch(api.log(), /canary/)
    }),
  )

  it.effect("answers 404 when it is off, whatever is sent, and says how else to sign in", () =>
    Effect.gen(function* () {
      const { cognito } = yield* start
      const api = yield* replica(cognito, { passwordLogin: false })
      const calls = cognito.requests.length
      for (const path of ["/get_token", "/get_token/challenge", "/get_token/refresh", "/get_token/revoke"]) {
        for (const body of [{ username: "alice", password }, "canary", { refresh_token: "canary" }]) {
          const answer = yield* ask(api, path, body)
          assertProblem(answer, 404, "password-login-off")
          assert.notProperty(answer.body, "detail", "there is no other way")
        }
      }
      assert.strictEqual(cognito.requests.length, calls)
      for (const path of ["/login", "/callback?code=x&state=y"]) {
        const answer = yield* api.send("GET", path)
        assertProblem(answer, 404, "login-not-configured")
        assert.notProperty(answer.body, "detail")
      }
    }),
  )
})

/** All headers except the date and the rate limit. */
const lastingOf = ({ headers }: Answer) => {
  const { date: _, ratelimit: __, ...others } = headers
  return others
}

/** The last line of the log with this text. */
const lineOf = ({ log }: ApiReplica.ApiReplica, text: string) =>
  log()
    .split("\n")
    .findLast((line) => line.includes(text)) ?? ""

const text = (limit: number) => `expected a text of 1 to ${limit} characters`

/** How many refusals the metric has counted for this reason. */
const refusals = (reason: string) =>
  Effect.map(Metric.snapshot, (metrics) => {
    const found = metrics.find(
      ({ id, attributes }) => id === "btc_price_sign_in_refusals_total" && attributes?.["reason"] === reason,
    )
    return found?.type === "Counter" ? Number(found.state.count) : 0
  })
