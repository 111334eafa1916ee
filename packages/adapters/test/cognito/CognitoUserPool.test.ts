import * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import * as MemorySigningKeyStore from "@btc-price/adapters/memory/MemorySigningKeyStore"
import { Authenticator } from "@btc-price/domain/access/Authenticator"
import { IdentityProvider, type IdentityProviderError } from "@btc-price/domain/access/IdentityProvider"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { inspect } from "node:util"
import * as IdentityProviderTest from "../IdentityProviderTest.ts"
import { until } from "../Waiting.ts"
import * as CognitoPool from "./CognitoPool.ts"
import * as CognitoServer from "./CognitoServer.ts"

const { alice, challengeIn, refreshTokenIn, tokensIn, users } = IdentityProviderTest

IdentityProviderTest.suite(
  "Cognito",
  Layer.unwrap(
    Effect.map(CognitoServer.make({ users }), ({ options }) => CognitoUserPool.layer(options)),
  ).pipe(Layer.provide([NodeHttpClient.layerUndici, MemorySigningKeyStore.layer])),
)

const build = (options: CognitoUserPool.Options, client = NodeHttpClient.layerUndici) =>
  CognitoUserPool.layer(options).pipe(
    Layer.provide([client, MemorySigningKeyStore.layer, Logger.layer([])]),
    Layer.build,
    Effect.map((context) => ({
      ...Context.get(context, Authenticator),
      ...Context.get(context, IdentityProvider),
    })),
  )

const start = Effect.gen(function* () {
  const server = yield* CognitoServer.make({ users: [alice] })
  return { server, userPool: yield* build(server.options) }
})

const signIns = ({ requests }: CognitoServer.CognitoServer) => requests.filter(({ path }) => path === "/")

const answers: ReadonlyArray<readonly [CognitoServer.CallAnswer, IdentityProviderError["reason"]]> = [
  [
    { exception: "NotAuthorizedException", message: "Incorrect username or password." },
    "invalid-credentials",
  ],
  [{ exception: "NotAuthorizedException", message: "Password attempts exceeded" }, "invalid-credentials"],
  [{ exception: "NotAuthorizedException", message: "User is disabled." }, "invalid-credentials"],
  [{ exception: "UserNotFoundException", message: "User does not exist." }, "invalid-credentials"],
  [{ exception: "UserNotConfirmedException" }, "invalid-credentials"],
  [{ exception: "PasswordResetRequiredException" }, "invalid-credentials"],
  [
    { exception: "InvalidParameterException", message: "Missing required parameter USERNAME" },
    "invalid-input",
  ],
  // Exceptions of other calls, and of no call, are refusals.
  [{ exception: "InvalidPasswordException" }, "invalid-credentials"],
  [{ exception: "CodeMismatchException" }, "invalid-credentials"],
  [{ exception: "RefreshTokenReuseException" }, "invalid-credentials"],
  [{ exception: "NeverHeardOfException" }, "invalid-credentials"],
  [{ exception: "constructor" }, "invalid-credentials"],
  [
    { exception: "NotAuthorizedException", message: "Unable to verify secret hash for client x" },
    "misconfigured",
  ],
  [
    {
      exception: "InvalidParameterException",
      message: "USER_PASSWORD_AUTH flow not enabled for this client",
    },
    "misconfigured",
  ],
  [
    { exception: "InvalidParameterException", message: "Initiate Auth method not supported." },
    "misconfigured",
  ],
  [{ exception: "UnauthorizedException" }, "misconfigured"],
  [{ exception: "ResourceNotFoundException" }, "misconfigured"],
  [{ exception: "InvalidUserPoolConfigurationException" }, "misconfigured"],
  [{ exception: "InvalidLambdaResponseException" }, "misconfigured"],
  [{ exception: "UnexpectedLambdaException" }, "misconfigured"],
  [{ exception: "UnsupportedOperationException" }, "misconfigured"],
  [{ exception: "LimitExceededException" }, "throttled"],
  [{ exception: "TooManyFailedAttemptsException" }, "throttled"],
  [{ exception: "ForbiddenException" }, "forbidden"],
  [{ exception: "UserLambdaValidationException" }, "forbidden"],
  [{ exception: "TooManyRequestsException" }, "unavailable"],
  [{ exception: "ThrottlingException" }, "unavailable"],
  [{ exception: "ConcurrentModificationException" }, "unavailable"],
  [{ exception: "InternalErrorException" }, "unavailable"],
  [{ exception: "NeverHeardOfException", status: 503 }, "unavailable"],
  ["html", "unavailable"],
  ["empty", "unavailable"],
  ["reset", "unavailable"],
]

describe("CognitoUserPool", () => {
  it.live.each(answers)("maps %o, in response to a sign-in, to %s, after one call", ([answer, reason]) =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      server.answerCalls(answer)
      const error = yield* Effect.flip(userPool.signIn(alice))
      assert.strictEqual(error.reason, reason)
      assert.strictEqual(signIns(server).length, 1)
      assert.notMatch(inspect(error, { depth: null, showHidden: true }), /canary/)
    }),
  )

  it.live.each([
    [{ exception: "NotAuthorizedException", message: "Invalid session." }, "challenge-failed"],
    [{ exception: "UserNotFoundException" }, "challenge-failed"],
    [{ exception: "CodeMismatchException" }, "challenge-failed"],
    [{ exception: "ExpiredCodeException" }, "challenge-failed"],
    [{ exception: "InvalidPasswordException" }, "invalid-new-password"],
    [{ exception: "PasswordHistoryPolicyViolationException" }, "invalid-new-password"],
    [{ exception: "RefreshTokenReuseException" }, "challenge-failed"],
    [{ exception: "UnexpectedLambdaException" }, "misconfigured"],
    [{ exception: "TooManyFailedAttemptsException" }, "throttled"],
  ] as const)("maps %o, in response to an answer, to %s", ([answer, reason]) =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      server.answerCalls(answer)
      const challenge = {
        name: "NEW_PASSWORD_REQUIRED",
        username: "alice",
        session: Redacted.make("canary session"),
      } as const
      const error = yield* Effect.flip(userPool.answerChallenge(challenge, Redacted.make("canary")))
      assert.strictEqual(error.reason, reason)
    }),
  )

  it.live.each([
    [{ exception: "NotAuthorizedException", message: "Invalid session." }, "challenge-failed"],
    [{ exception: "CodeMismatchException" }, "challenge-failed"],
    [{ exception: "EnableSoftwareTokenMFAException" }, "challenge-failed"],
  ] as const)("maps %o, in response to the first code of an app, to %s", ([answer, reason]) =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      server.answerCalls(answer)
      const challenge = {
        name: "MFA_SETUP",
        username: "alice",
        session: Redacted.make("canary session"),
      } as const
      const error = yield* Effect.flip(userPool.answerChallenge(challenge, Redacted.make("123456")))
      assert.strictEqual(error.reason, reason)
    }),
  )

  it.live.each([
    [{ exception: "NotAuthorizedException", message: "Invalid Refresh Token" }, "invalid-refresh-token"],
    [{ exception: "RefreshTokenReuseException" }, "reused-refresh-token"],
    [{ exception: "CodeMismatchException" }, "invalid-refresh-token"],
    [{ exception: "InvalidUserPoolConfigurationException" }, "misconfigured"],
  ] as const)("maps %o, in response to a refresh, to %s", ([answer, reason]) =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      server.answerCalls(answer)
      const error = yield* Effect.flip(userPool.refresh(Redacted.make("canary refresh token")))
      assert.strictEqual(error.reason, reason)
    }),
  )

  it.live.each([
    { exception: "NotAuthorizedException", message: "Invalid Refresh Token" },
    { exception: "UnsupportedTokenTypeException" },
  ])("treats %o, in response to a revocation, as already revoked", (answer) =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      server.answerCalls(answer)
      yield* userPool.revoke(Redacted.make("canary refresh token"))
    }),
  )

  it.live("does not take a token for revoked after an exception that does not say so", () =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      server.answerCalls({ exception: "NeverHeardOfException" })
      const error = yield* Effect.flip(userPool.revoke(Redacted.make("canary refresh token")))
      assert.strictEqual(error.reason, "misconfigured")
    }),
  )

  it.live.each([
    ["is unknown", { challenge: "NEVER_HEARD_OF" }],
    ["is not offered for passwords", { challenge: "DEVICE_SRP_AUTH" }],
    [
      "asks for attributes too",
      { challenge: "NEW_PASSWORD_REQUIRED", parameters: { requiredAttributes: '["email"]' } },
    ],
    [
      "asks to set up something else",
      { challenge: "MFA_SETUP", parameters: { MFAS_CAN_SETUP: '["SMS_MFA"]' } },
    ],
  ] as const)("issues no tokens after a challenge that %s", ([, challenge]) =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      server.answerCalls(challenge)
      assert.strictEqual((yield* Effect.flip(userPool.signIn(alice))).reason, "unknown-challenge")
    }),
  )

  it.live("asks for a code from a message, says where it was sent, and lets the user choose", () =>
    Effect.gen(function* () {
      const codes = { SMS_MFA: "123456", EMAIL_OTP: "654321" }
      const server = yield* CognitoServer.make({ users: [{ ...alice, codes }] })
      const { signIn, answerChallenge, verify } = yield* build(server.options)
      const choice = challengeIn(yield* signIn(alice))
      assert.strictEqual(choice.name, "SELECT_MFA_TYPE")
      assert.deepStrictEqual(choice.choices, ["SMS_MFA", "EMAIL_OTP"])
      const message = challengeIn(yield* answerChallenge(choice, Redacted.make("EMAIL_OTP")))
      assert.strictEqual(message.name, "EMAIL_OTP")
      assert.strictEqual(message.destination, "+*******99")
      const wrong = yield* Effect.flip(answerChallenge(message, Redacted.make("000000")))
      assert.strictEqual(wrong.reason, "challenge-failed")
      const again = challengeIn(yield* signIn(alice))
      const sms = challengeIn(yield* answerChallenge(again, Redacted.make("SMS_MFA")))
      const done = tokensIn(yield* answerChallenge(sms, Redacted.make("123456")))
      assert.strictEqual((yield* verify(done.idToken)).username, "alice")
    }),
  )

  it.live("stops when Cognito does not confirm the set-up of an authenticator app", () =>
    Effect.gen(function* () {
      const user = { ...alice, mustDo: ["MFA_SETUP"] as const }
      const server = yield* CognitoServer.make({ users: [user] })
      const { signIn, answerChallenge } = yield* build(server.options)
      const setUp = challengeIn(yield* signIn(alice))
      const before = signIns(server).length
      server.answerCalls("empty")
      const error = yield* Effect.flip(answerChallenge(setUp, Redacted.make("123456")))
      assert.strictEqual(error.reason, "challenge-failed")
      assert.strictEqual(signIns(server).length - before, 1)
    }),
  )

  it.live("uses the other client secret when Cognito accepts only that one", () =>
    Effect.gen(function* () {
      const server = yield* CognitoServer.make({ users: [alice] })
      const clientSecrets = [Redacted.make("canary not yet"), CognitoPool.clientSecret]
      const { signIn, refresh, revoke } = yield* build({ ...server.options, clientSecrets })
      const first = refreshTokenIn(tokensIn(yield* signIn(alice)))
      const refreshToken = refreshTokenIn(yield* refresh(first))
      yield* revoke(refreshToken)
      assert.strictEqual(signIns(server).length, 6)
      assert.strictEqual((yield* Effect.flip(refresh(refreshToken))).reason, "invalid-refresh-token")
    }),
  )

  it.live("uses the other client secret even if the password occurs in the exception", () =>
    Effect.gen(function* () {
      const user = { username: "vera", password: Redacted.make("verify secret") }
      const server = yield* CognitoServer.make({ users: [user] })
      const clientSecrets = [Redacted.make("canary not yet"), CognitoPool.clientSecret]
      const { signIn } = yield* build({ ...server.options, clientSecrets })
      assert.strictEqual((yield* signIn(user))._tag, "SignedIn")
    }),
  )

  it.live("does not try the other client secret for a wrong password, which would count twice", () =>
    Effect.gen(function* () {
      const server = yield* CognitoServer.make({ users: [alice] })
      const clientSecrets = [CognitoPool.clientSecret, Redacted.make("canary old")]
      const { signIn } = yield* build({ ...server.options, clientSecrets })
      const password = Redacted.make("a wrong secret")
      const error = yield* Effect.flip(signIn({ ...alice, password }))
      assert.strictEqual(error.reason, "invalid-credentials")
      assert.strictEqual(signIns(server).length, 1)
    }),
  )

  it.live("keeps the refresh token if the app client does not rotate refresh tokens", () =>
    Effect.gen(function* () {
      const server = yield* CognitoServer.make({ users: [alice], rotates: false })
      const { signIn, refresh, revoke, verify } = yield* build(server.options)
      const refreshToken = refreshTokenIn(tokensIn(yield* signIn(alice)))
      for (const renewed of [yield* refresh(refreshToken), yield* refresh(refreshToken)]) {
        assert.isNull(renewed.refreshToken)
        assert.strictEqual((yield* verify(renewed.accessToken).pipe(Effect.flip)).reason, "invalid-token")
        assert.strictEqual((yield* verify(renewed.idToken)).username, "alice")
      }
      yield* revoke(refreshToken)
      assert.strictEqual((yield* Effect.flip(refresh(refreshToken))).reason, "invalid-refresh-token")
    }),
  )

  it.live("fails to revoke a token when Cognito refuses the client", () =>
    Effect.gen(function* () {
      const server = yield* CognitoServer.make({ users: [alice] })
      const { signIn } = yield* build(server.options)
      const refreshToken = refreshTokenIn(tokensIn(yield* signIn(alice)))
      const stranger = yield* build({ ...server.options, clientSecrets: [Redacted.make("canary other")] })
      const error = yield* Effect.flip(stranger.revoke(refreshToken))
      assert.strictEqual(error.reason, "misconfigured")
    }),
  )

  it.live("signs in as many users at once as Cognito's quota allows, even while it is slow", () =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      server.answerCalls("hang")
      const fibers = yield* Effect.forEach(Array.from({ length: 120 }), () =>
        Effect.forkChild(Effect.exit(userPool.signIn(alice))),
      )
      yield* until(() => signIns(server).length === 120)
      yield* Fiber.interruptAll(fibers)
    }),
  )

  it.live.each([
    ["another client secret", { clientSecrets: [Redacted.make("canary other")] }],
    ["no client secret", { clientSecrets: [] }],
    ["another client", { clientId: "unknown" }],
  ] as const)("is misconfigured, without blaming the user, with %s", ([, changes]) =>
    Effect.gen(function* () {
      const server = yield* CognitoServer.make({ users: [alice] })
      const userPool = yield* build({ ...server.options, ...changes })
      const error = yield* Effect.flip(userPool.signIn(alice))
      assert.strictEqual(error.reason, "misconfigured")
      assert.notMatch(inspect(error, { depth: null, showHidden: true }), /canary/)
    }),
  )

  it.live("does not repeat a secret that Cognito repeats", () =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      const message = `1 validation error: ${Redacted.value(alice.password)}`
      server.answerCalls({ exception: "InvalidParameterException", message })
      const error = yield* Effect.flip(userPool.signIn(alice))
      assert.strictEqual(error.detail, "InvalidParameterException")
    }),
  )

  it.live("is unavailable when Cognito refuses the session that it just issued", () =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      const parameters = { MFAS_CAN_SETUP: '["SOFTWARE_TOKEN_MFA"]' }
      server.answerCalls({ challenge: "MFA_SETUP", parameters })
      assert.strictEqual((yield* Effect.flip(userPool.signIn(alice))).reason, "unavailable")
    }),
  )

  it.live("is unavailable when nothing listens at the address", () =>
    Effect.gen(function* () {
      const userPool = yield* build({
        ...CognitoPool.appClient,
        endpoint: "http://127.0.0.1:1",
        jwksUrl: "http://127.0.0.1:1/jwks.json",
      })
      assert.strictEqual((yield* Effect.flip(userPool.signIn(alice))).reason, "unavailable")
    }),
  )

  it.live("returns the lifetime of the ID token, not of the access token", () =>
    Effect.gen(function* () {
      const { userPool } = yield* start
      const { expiresIn } = tokensIn(yield* userPool.signIn(alice))
      assert.deepStrictEqual(expiresIn, Duration.seconds(3_600))
    }),
  )

  it.live("signs no calls, and reads neither credentials nor settings from its environment", () =>
    Effect.gen(function* () {
      const elsewhere = yield* CognitoServer.make({ users: [] })
      vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", String(elsewhere.options.endpoint))
      vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", String(elsewhere.options.endpoint))
      vi.stubEnv("AWS_ENDPOINT_URL", String(elsewhere.options.endpoint))
      // Would make the client fail if it read it.
      vi.stubEnv("AWS_DEFAULTS_MODE", "broken")
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.unstubAllEnvs()))
      const { server, userPool } = yield* start
      yield* userPool.signIn(alice)
      const { authorization, "user-agent": agent } = signIns(server)[0]?.headers ?? {}
      assert.isUndefined(authorization)
      assert.include(agent, "app/btc-price")
      assert.strictEqual(elsewhere.requests.length, 0)
    }),
  )

  it.live("gives up on a response that does not begin", () =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      server.answerCalls("hang")
      const error = yield* Effect.flip(userPool.signIn(alice))
      assert.strictEqual(error.reason, "unavailable")
      assert.include(error.detail, "1500 ms requestTimeout")
      yield* until(() => server.abandoned() === 1)
    }),
  )

  it.effect("gives up after three seconds on a response that does not end", () =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      server.answerCalls("stall")
      const fiber = yield* Effect.forkChild(Effect.flip(userPool.signIn(alice)), { startImmediately: true })
      yield* until(() => signIns(server).length === 1)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).reason, "unavailable")
      yield* until(() => server.abandoned() === 1)
    }),
  )

  it.live("drops the connection when the sign-in is interrupted", () =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      server.answerCalls("stall")
      const fiber = yield* Effect.forkChild(userPool.signIn(alice))
      yield* until(() => signIns(server).length === 1)
      yield* Fiber.interrupt(fiber)
      yield* until(() => server.abandoned() === 1)
    }),
  )

  it.live("accepts tokens of a rotated key", () =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      const old = Redacted.make(server.issue("alice"))
      server.rotateKey()
      const renewed = yield* build(server.options)
      const { idToken } = tokensIn(yield* userPool.signIn(alice))
      assert.strictEqual((yield* renewed.verify(old)).username, "alice")
      assert.strictEqual((yield* renewed.verify(idToken)).username, "alice")
    }),
  )

  it.live.each([
    ["too-large", "undici", NodeHttpClient.layerUndici],
    ["garbage", "undici", NodeHttpClient.layerUndici],
    ["down", "undici", NodeHttpClient.layerUndici],
    ["redirect", "undici", NodeHttpClient.layerUndici],
    ["redirect", "node:http", NodeHttpClient.layerNodeHttp],
    ["redirect", "fetch", FetchHttpClient.layer],
  ] as const)("has no keys while their origin responds with %s (%s)", ([answer, , client]) =>
    Effect.gen(function* () {
      const server = yield* CognitoServer.make({ users: [alice] })
      server.answerKeys(answer)
      const userPool = yield* build(server.options, client)
      const error = yield* Effect.flip(userPool.verify(Redacted.make(server.issue("alice"))))
      assert.strictEqual(error.reason, "unavailable")
      assert.strictEqual(server.requests.length, 1)
    }),
  )

  it.live("fetches nothing from an address in a token", () =>
    Effect.gen(function* () {
      const { server, userPool } = yield* start
      const url = `${String(server.options.endpoint)}/elsewhere`
      const pointing = { jku: url, x5u: url }
      const token = Redacted.make(server.issue("alice", { iss: url }, pointing))
      assert.strictEqual((yield* Effect.flip(userPool.verify(token))).reason, "invalid-token")
      yield* userPool.verify(Redacted.make(server.issue("alice", {}, pointing)))
      yield* userPool.signIn(alice)
      assert.deepStrictEqual(
        server.requests.filter(({ path }) => path.startsWith("/elsewhere")),
        [],
      )
    }),
  )
})
