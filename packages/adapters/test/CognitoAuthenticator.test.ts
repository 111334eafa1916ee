import * as CognitoAuthenticator from "@btc-price/adapters/CognitoAuthenticator"
import { Authenticator, type AuthenticatorError } from "@btc-price/domain/Authenticator"
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
import { inspect } from "node:util"
import * as AuthenticatorTest from "./AuthenticatorTest.ts"
import * as CognitoServer from "./CognitoServer.ts"

const { alice } = AuthenticatorTest

AuthenticatorTest.suite(
  "Cognito",
  Layer.unwrap(
    Effect.map(CognitoServer.make({ users: [alice] }), ({ options }) => CognitoAuthenticator.layer(options)),
  ).pipe(Layer.provide(NodeHttpClient.layerUndici)),
)

const build = (options: CognitoAuthenticator.Options, client = NodeHttpClient.layerUndici) =>
  CognitoAuthenticator.layer(options).pipe(
    Layer.provide([client, Logger.layer([])]),
    Layer.build,
    Effect.map(Context.get(Authenticator)),
  )

const start = Effect.gen(function* () {
  const server = yield* CognitoServer.make({ users: [alice] })
  return { server, authenticator: yield* build(server.options) }
})

const signIns = ({ requests }: CognitoServer.CognitoServer) => requests.filter(({ path }) => path === "/")

const answers: ReadonlyArray<readonly [CognitoServer.SignInAnswer, AuthenticatorError["reason"]]> = [
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
    "invalid-credentials",
  ],
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
  [{ exception: "ResourceNotFoundException" }, "misconfigured"],
  [{ exception: "InvalidUserPoolConfigurationException" }, "misconfigured"],
  [{ exception: "InvalidLambdaResponseException" }, "misconfigured"],
  [{ exception: "UnexpectedLambdaException" }, "misconfigured"],
  [{ exception: "UnsupportedOperationException" }, "misconfigured"],
  [{ exception: "NeverHeardOfException" }, "misconfigured"],
  [{ exception: "constructor" }, "misconfigured"],
  [{ exception: "LimitExceededException" }, "throttled"],
  [{ exception: "TooManyFailedAttemptsException" }, "throttled"],
  [{ exception: "ForbiddenException" }, "forbidden"],
  [{ exception: "UserLambdaValidationException" }, "forbidden"],
  [{ exception: "TooManyRequestsException" }, "unavailable"],
  [{ exception: "InternalErrorException" }, "unavailable"],
  [{ exception: "NeverHeardOfException", status: 503 }, "unavailable"],
  ["html", "unavailable"],
  ["empty", "unavailable"],
  ["reset", "unavailable"],
  ["stall", "unavailable"],
]

describe("CognitoAuthenticator", () => {
  it.live.each(answers)("takes %o for %s, after one call", ([answer, reason]) =>
    Effect.gen(function* () {
      const { server, authenticator } = yield* start
      server.answerSignIn(answer)
      const error = yield* Effect.flip(authenticator.signIn(alice))
      assert.strictEqual(error.reason, reason)
      assert.strictEqual(signIns(server).length, 1)
      assert.notMatch(inspect(error, { depth: null, showHidden: true }), /canary/)
    }),
  )

  it.live.each(["SOFTWARE_TOKEN_MFA", "NEW_PASSWORD_REQUIRED", "NEVER_HEARD_OF"])(
    "names the challenge %s and lets nobody in",
    (challenge) =>
      Effect.gen(function* () {
        const { server, authenticator } = yield* start
        server.answerSignIn({ challenge })
        const error = yield* Effect.flip(authenticator.signIn(alice))
        assert.strictEqual(error.reason, "challenge-required")
        assert.strictEqual(error.challenge, challenge)
      }),
  )

  it.live.each([
    ["another client secret", { clientSecret: Redacted.make("canary other") }],
    ["no client secret", { clientSecret: undefined }],
    ["another client", { clientId: "unknown" }],
  ] as const)("blames itself, not the user, for %s", ([, changes]) =>
    Effect.gen(function* () {
      const server = yield* CognitoServer.make({ users: [alice] })
      const authenticator = yield* build({ ...server.options, ...changes })
      const error = yield* Effect.flip(authenticator.signIn(alice))
      assert.strictEqual(error.reason, "misconfigured")
      assert.notMatch(inspect(error, { depth: null, showHidden: true }), /canary/)
    }),
  )

  it.live("repeats no secret that Cognito repeats", () =>
    Effect.gen(function* () {
      const { server, authenticator } = yield* start
      const message = `1 validation error: ${Redacted.value(alice.password)}`
      server.answerSignIn({ exception: "InvalidParameterException", message })
      const error = yield* Effect.flip(authenticator.signIn(alice))
      assert.strictEqual(error.detail, "InvalidParameterException")
    }),
  )

  it.live("is unavailable when nobody listens", () =>
    Effect.gen(function* () {
      const authenticator = yield* build({
        region: "eu-central-1",
        userPoolId: "eu-central-1_AbCdEfGhI",
        clientId: "client",
        endpoint: "http://127.0.0.1:1",
        jwksUrl: "http://127.0.0.1:1/jwks.json",
      })
      assert.strictEqual((yield* Effect.flip(authenticator.signIn(alice))).reason, "unavailable")
    }),
  )

  it.live("tells the life of the ID token, not of the access token", () =>
    Effect.gen(function* () {
      const { authenticator } = yield* start
      const { expiresIn } = yield* authenticator.signIn(alice)
      assert.deepStrictEqual(expiresIn, Duration.seconds(3_600))
    }),
  )

  it.live("signs nothing, and looks for neither credentials nor settings around it", () =>
    Effect.gen(function* () {
      const elsewhere = yield* CognitoServer.make({ users: [] })
      vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", String(elsewhere.options.endpoint))
      vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", String(elsewhere.options.endpoint))
      vi.stubEnv("AWS_ENDPOINT_URL", String(elsewhere.options.endpoint))
      // Would make the client fail if it looked.
      vi.stubEnv("AWS_DEFAULTS_MODE", "broken")
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.unstubAllEnvs()))
      const { server, authenticator } = yield* start
      yield* authenticator.signIn(alice)
      const { authorization, "user-agent": agent } = signIns(server)[0]?.headers ?? {}
      assert.isUndefined(authorization)
      assert.include(agent, "app/btc-price")
      assert.strictEqual(elsewhere.requests.length, 0)
    }),
  )

  it.live("gives up on an answer that does not begin", () =>
    Effect.gen(function* () {
      const { server, authenticator } = yield* start
      server.answerSignIn("hang")
      const error = yield* Effect.flip(authenticator.signIn(alice))
      assert.strictEqual(error.reason, "unavailable")
      assert.include(error.detail, "1500 ms requestTimeout")
      yield* until(() => server.abandoned() === 1)
    }),
  )

  it.live("drops the connection when the sign-in is interrupted", () =>
    Effect.gen(function* () {
      const { server, authenticator } = yield* start
      server.answerSignIn("stall")
      const fiber = yield* Effect.forkChild(authenticator.signIn(alice))
      yield* until(() => signIns(server).length === 1)
      yield* Fiber.interrupt(fiber)
      yield* until(() => server.abandoned() === 1)
    }),
  )

  it.live("accepts tokens of a rotated key", () =>
    Effect.gen(function* () {
      const { server, authenticator } = yield* start
      const old = Redacted.make(server.issue("alice"))
      server.rotateKey()
      const renewed = yield* build(server.options)
      const { idToken } = yield* authenticator.signIn(alice)
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
  ] as const)("has no keys while their origin answers with %s (%s)", ([answer, , client]) =>
    Effect.gen(function* () {
      const server = yield* CognitoServer.make({ users: [alice] })
      server.answerKeys(answer)
      const authenticator = yield* build(server.options, client)
      const error = yield* Effect.flip(authenticator.verify(Redacted.make(server.issue("alice"))))
      assert.strictEqual(error.reason, "unavailable")
      assert.strictEqual(server.requests.length, 1)
    }),
  )

  it.live("fetches nothing that a token points to", () =>
    Effect.gen(function* () {
      const { server, authenticator } = yield* start
      const url = `${String(server.options.endpoint)}/elsewhere`
      const pointing = { jku: url, x5u: url }
      const token = Redacted.make(server.issue("alice", { iss: url }, pointing))
      assert.strictEqual((yield* Effect.flip(authenticator.verify(token))).reason, "invalid-token")
      yield* authenticator.verify(Redacted.make(server.issue("alice", {}, pointing)))
      yield* authenticator.signIn(alice)
      assert.deepStrictEqual(
        server.requests.filter(({ path }) => path.startsWith("/elsewhere")),
        [],
      )
    }),
  )
})

/** Waits for what the other side of a socket brings about. */
const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.whileLoop({ while: () => !condition(), body: () => Effect.promise(nextTurn), step: () => {} })

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve))
