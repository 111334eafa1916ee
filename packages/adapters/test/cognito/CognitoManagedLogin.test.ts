import * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import * as MemorySigningKeyStore from "@btc-price/adapters/memory/MemorySigningKeyStore"
import type { IdentityProviderError } from "@btc-price/domain/access/IdentityProvider"
import { ManagedLogin } from "@btc-price/domain/access/ManagedLogin"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import { inspect } from "node:util"
import * as LoopbackServer from "../LoopbackServer.ts"
import { until } from "../Waiting.ts"
import { appClient, clientId, clientSecret, userPoolId } from "./CognitoPool.ts"
import * as OidcServer from "./OidcServer.ts"
import * as TokenIssuer from "./TokenIssuer.ts"

const build = (options: CognitoUserPool.Options, client = NodeHttpClient.layerUndici) =>
  CognitoUserPool.layer(options).pipe(
    Layer.provide([client, MemorySigningKeyStore.layer, Logger.layer([])]),
    Layer.build,
    Effect.flatMap((context) => Effect.fromOption(Context.getOption(context, ManagedLogin))),
    Effect.orDie,
  )

/** The provider uses the system's clock, so the TestClock starts with its time. */
const start = Effect.andThen(TestClock.setTime(Date.now()), OidcServer.make)

/** Goes through the provider's pages as `alice`. */
const finish = Effect.fnUntraced(function* (peer: OidcServer.OidcServer, login: ManagedLogin["Service"]) {
  const { page, pending } = yield* login.begin
  const back = yield* peer.visit(page, "alice")
  return yield* login.finish(Redacted.make(back.searchParams.get("code") ?? ""), pending)
})

/** Responds to the exchange of a code as the test says, and serves the key that signs its tokens. */
const endpoint = Effect.fnUntraced(function* (
  answer: (response: ServerResponse, request: IncomingMessage, key: TokenIssuer.Key) => void,
) {
  const key = TokenIssuer.keyAt(0)
  const exchanges: Array<{ readonly authorization: string | undefined; readonly body: string }> = []
  const server = createServer((request, response) => {
    if (request.method === "GET") return response.end(JSON.stringify({ keys: [key.jwk] }))
    return void text(request).then((body) => {
      exchanges.push({ authorization: request.headers.authorization, body })
      answer(response, request, key)
    })
  })
  const port = yield* LoopbackServer.listen(server)
  const domain = `http://127.0.0.1:${port}`
  const options: CognitoUserPool.Options = {
    ...appClient,
    jwksUrl: `${domain}/keys`,
    managedLogin: { domain, redirectUri: OidcServer.redirectUri },
  }
  return { options, exchanges }
})

const pending = {
  state: Redacted.make("canary-state"),
  nonce: Redacted.make("canary-nonce"),
  codeVerifier: Redacted.make("canary-verifier"),
}

const code = Redacted.make("canary-code")

const json = (status: number, body: unknown) => (response: ServerResponse) => {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(JSON.stringify(body))
}

/** Cognito's response, except for `claims`. */
const tokens =
  (claims: object, access_token = "an.access.token") =>
  (response: ServerResponse, _: IncomingMessage, key: TokenIssuer.Key) => {
    const nowSeconds = Math.floor(Date.now() / 1_000)
    const proper = TokenIssuer.claims({ userPoolId, clientId, username: "alice", nowSeconds })
    const id_token = TokenIssuer.sign(key, TokenIssuer.header(key), {
      ...proper,
      nonce: "canary-nonce",
      ...claims,
    })
    json(200, { id_token, access_token, token_type: "Bearer" })(response)
  }

const reasonOf = (error: IdentityProviderError) => {
  assert.notMatch(inspect(error, { depth: null, showHidden: true }), /canary/)
  return error.reason
}

describe("CognitoManagedLogin", () => {
  it.effect("returns the user's tokens, and creates new secrets for each login", () =>
    Effect.gen(function* () {
      const peer = yield* start
      const login = yield* build(peer.options)
      const given = yield* finish(peer, login)
      assert.isNotNull(given.refreshToken)
      assert.isTrue(Duration.isGreaterThan(given.expiresIn, Duration.minutes(59)))
      const begun = [yield* login.begin, yield* login.begin]
      const secrets = begun.flatMap(({ pending: { state, nonce, codeVerifier } }) =>
        [state, nonce, codeVerifier].map(Redacted.value),
      )
      assert.strictEqual(new Set(secrets).size, 6)
    }),
  )

  it.effect("works with either of two client secrets, and is misconfigured when neither is accepted", () =>
    Effect.gen(function* () {
      const peer = yield* start
      const other = Redacted.make("canary-other")
      yield* finish(peer, yield* build({ ...peer.options, clientSecrets: [other, clientSecret] }))
      const login = yield* build({ ...peer.options, clientSecrets: [other, other] })
      assert.strictEqual(reasonOf(yield* Effect.flip(finish(peer, login))), "misconfigured")
    }),
  )

  it.effect("sends the secret only in a header, and without a secret sends the client id", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.now())
      const { options, exchanges } = yield* endpoint(tokens({}))
      yield* (yield* build(options)).finish(code, pending)
      yield* (yield* build({ ...options, clientSecrets: [] })).finish(code, pending)
      const body =
        "grant_type=authorization_code&client_id=4example0client0id&redirect_uri=https%3A%2F%2Fbtc-price.example.com%2Fcallback&code=canary-code&code_verifier=canary-verifier"
      const basic = Buffer.from(`${clientId}:${Redacted.value(clientSecret)}`).toString("base64")
      assert.deepStrictEqual(exchanges, [
        { authorization: `Basic ${basic}`, body },
        { authorization: undefined, body },
      ])
    }),
  )

  it.effect("requests the required scope, and returns the lifetime of the token that is accepted", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.now())
      const { options } = yield* endpoint((response, request, key) => {
        const access_token = TokenIssuer.sign(key, TokenIssuer.header(key), { iat: 1_000, exp: 1_300 })
        tokens({}, access_token)(response, request, key)
      })
      const login = yield* build({ ...options, tokenUse: "access", requiredScope: "prices/read" })
      assert.strictEqual((yield* login.begin).page.searchParams.get("scope"), "openid prices/read")
      const { expiresIn } = yield* login.finish(code, pending)
      assert.deepStrictEqual(expiresIn, Duration.minutes(5))
    }),
  )

  it.effect.each([
    ["a refused code", "invalid-credentials", json(400, { error: "invalid_grant" })],
    ["another nonce", "invalid-credentials", tokens({ nonce: "canary-other" })],
    ["no nonce", "invalid-credentials", tokens({ nonce: undefined })],
    ["a nonce that is no text", "invalid-credentials", tokens({ nonce: ["canary-nonce"] })],
    ["another client's token", "misconfigured", tokens({ aud: "canary" })],
    ["another pool's token", "misconfigured", tokens({ iss: "https://canary.example" })],
    ["an access token as ID token", "misconfigured", tokens({ token_use: "access" })],
    ["an expired token", "misconfigured", tokens({ exp: 1 })],
    ["an unknown client", "misconfigured", json(401, { error: "invalid_client" })],
    ["a client without this flow", "misconfigured", json(400, { error: "unauthorized_client" })],
    ["a redirect", "unavailable", (response) => response.writeHead(302, { location: "/canary" }).end()],
    ["too many requests", "unavailable", json(429, { error: "canary" })],
    ["a fault", "unavailable", json(500, { error: "invalid_grant" })],
    ["no tokens", "unavailable", json(200, {})],
    ["no ID token", "unavailable", json(200, { access_token: "canary" })],
    ["HTML", "unavailable", (response) => response.end("<html>canary")],
    ["HTML as a refusal", "unavailable", (response) => response.writeHead(403).end("<html>canary")],
    ["too much", "unavailable", json(200, { id_token: "canary".repeat(20_000) })],
    ["a reset", "unavailable", (response) => response.destroy()],
  ] satisfies ReadonlyArray<
    readonly [string, IdentityProviderError["reason"], Parameters<typeof endpoint>[0]]
  >)("maps %s to %s, after one call", ([, reason, answer]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.now())
      const { options, exchanges } = yield* endpoint(answer)
      for (const client of [NodeHttpClient.layerUndici, FetchHttpClient.layer]) {
        const login = yield* build(options, client)
        assert.strictEqual(reasonOf(yield* Effect.flip(login.finish(code, pending))), reason)
      }
      assert.strictEqual(exchanges.length, 2)
    }),
  )

  it.effect.each(["hangs", "stalls"])("gives up after three seconds on a provider that %s", (how) =>
    Effect.gen(function* () {
      const { options, exchanges } = yield* endpoint((response) => {
        if (how === "stalls") response.writeHead(200).write("{")
      })
      const login = yield* build(options)
      const fiber = yield* Effect.forkChild(Effect.flip(login.finish(code, pending)), {
        startImmediately: true,
      })
      yield* until(() => exchanges.length === 1)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(reasonOf(yield* Fiber.join(fiber)), "unavailable")
    }),
  )
})
