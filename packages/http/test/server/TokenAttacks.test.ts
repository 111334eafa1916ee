/** Attacks with tokens, against the API on a real socket; a strict stand-in for Cognito serves its keys. */
import * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { createHmac, createPublicKey } from "node:crypto"
import * as CognitoServer from "../../../adapters/test/cognito/CognitoServer.ts"
import * as TokenIssuer from "../../../adapters/test/cognito/TokenIssuer.ts"
import * as ApiReplica from "../ApiReplica.ts"

/** The API that is attacked, and the issuer of its tokens. */
class Target extends Context.Service<
  Target,
  { readonly api: ApiReplica.ApiReplica; readonly cognito: CognitoServer.CognitoServer }
>()("test/Target") {}

const layerTarget = Layer.effect(
  Target,
  Effect.gen(function* () {
    const cognito = yield* CognitoServer.make({ users: [] })
    return { cognito, api: yield* ApiReplica.start({ users: CognitoUserPool.layer(cognito.options) }) }
  }),
)

const send = Effect.fnUntraced(function* (token: string | undefined, query = "") {
  const { api } = yield* Target
  const response = yield* api.send("GET", `/v1/sources${query}`, token === undefined ? {} : { token })
  return {
    status: response.status,
    type: response.body.type,
    challenge: response.headers["www-authenticate"],
    retryAfter: response.headers["retry-after"],
  }
})

const nowSeconds = () => Math.floor(Date.now() / 1_000)

/** The same claims under another header or signature. */
const rewritten = (token: string, header: object, sign: (content: string) => string) => {
  const content = TokenIssuer.contentOf(header, TokenIssuer.partsOf(token).payload)
  return `${content}.${sign(content)}`
}

const kidOf = (token: string) => TokenIssuer.partsOf(token).header.kid

type Forge = (cognito: CognitoServer.CognitoServer, jwk: Record<string, string>) => string

/** Tokens by what is wrong with them. All are refused in the same way. */
const attacks: Readonly<Record<string, Forge>> = {
  "alg none": ({ issue }) => rewritten(issue("alice"), { alg: "none", kid: kidOf(issue("alice")) }, () => ""),
  "HS256 with the public key": ({ issue }, jwk) => {
    const pem = createPublicKey({ key: jwk, format: "jwk" }).export({ format: "pem", type: "spki" })
    return rewritten(issue("alice"), { alg: "HS256", kid: jwk["kid"] }, (content) =>
      createHmac("sha256", pem).update(content).digest("base64url"),
    )
  },
  "a stripped signature": ({ issue }) => `${issue("alice").split(".").slice(0, 2).join(".")}.`,
  "a flipped signature": ({ issue }) =>
    issue("alice").replace(/\.(.)([^.]+)$/, (_, first, rest) => `.${first === "A" ? "B" : "A"}${rest}`),
  "a malleable ending": ({ issue }) => `${issue("alice")}=`,
  "an ES256 header on an RSA key": ({ issue }) => issue("alice", {}, { alg: "ES256" }),
  "an EdDSA header on an RSA key": ({ issue }) => issue("alice", {}, { alg: "EdDSA" }),
  "a critical extension": ({ issue }) => issue("alice", {}, { crit: ["b64"], b64: false }),
  "a typ of something else": ({ issue }) => issue("alice", {}, { typ: "logout+jwt" }),
  "an expired token": ({ issue }) => issue("alice", { iat: nowSeconds() - 7_200, exp: nowSeconds() - 3_600 }),
  "no exp": ({ issue }) => issue("alice", { exp: undefined }),
  "an absurd exp": ({ issue }) => issue("alice", { exp: nowSeconds() + 10 * 365 * 86_400 }),
  "an iat a day ahead": ({ issue }) =>
    issue("alice", { iat: nowSeconds() + 86_400, exp: nowSeconds() + 90_000 }),
  "an nbf ahead": ({ issue }) => issue("alice", { nbf: nowSeconds() + 600 }),
  "no sub": ({ issue }) => issue("alice", { sub: undefined }),
  "an empty sub": ({ issue }) => issue("alice", { sub: "" }),
  "the use of a refresh token": ({ issue }) => issue("alice", { token_use: "refresh" }),
  "the use of an access token": ({ issue, options: { clientId } }) =>
    issue("alice", TokenIssuer.accessClaims({ clientId, username: "alice" })),
  "another client's aud": ({ issue }) => issue("alice", { aud: "another0client0id" }),
  "another pool's iss": ({ issue }) =>
    issue("alice", { iss: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Another00" }),
  "an iss of the attacker's": ({ issue }) => issue("alice", { iss: "https://evil.example" }),
}

const refused = {
  status: 401,
  type: "urn:btc-price:problem:invalid-token",
  challenge: 'Bearer realm="btc-price", error="invalid_token"',
  retryAfter: undefined,
}

layer(Layer.merge(layerTarget, NodeHttpClient.layerUndici), { excludeTestServices: true })(
  "Token attacks",
  (it) => {
    it.effect("aim at an API that accepts valid tokens of both forms of the issuer", () =>
      Effect.gen(function* () {
        const { cognito } = yield* Target
        const newer = "https://issuer-cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI"
        assert.strictEqual((yield* send(cognito.issue("alice"))).status, 200)
        assert.strictEqual((yield* send(cognito.issue("alice", { iss: newer }))).status, 200)
      }),
    )

    it.effect.each(Object.entries(attacks))("are refused: %s", ([, forge]) =>
      Effect.gen(function* () {
        const { cognito } = yield* Target
        const response = yield* HttpClient.get(String(cognito.options.jwksUrl))
        const { keys } = (yield* response.json) as { readonly keys: ReadonlyArray<Record<string, string>> }
        assert.deepStrictEqual(yield* send(forge(cognito, keys[0] ?? {})), refused)
      }),
    )

    it.effect("cause no request to an address that a token names for its keys", () =>
      Effect.gen(function* () {
        const { cognito } = yield* Target
        const elsewhere = yield* CognitoServer.make({ users: [] })
        const url = String(elsewhere.options.jwksUrl)
        const key = TokenIssuer.makeKey()
        const { userPoolId, clientId } = cognito.options
        const claims = TokenIssuer.claims({
          userPoolId,
          clientId,
          username: "alice",
          nowSeconds: nowSeconds(),
        })
        for (const named of [{ jku: url }, { x5u: url }, { jwk: key.jwk }]) {
          const header = { ...TokenIssuer.header(key), kid: kidOf(cognito.issue("alice")), ...named }
          assert.deepStrictEqual(yield* send(TokenIssuer.sign(key, header, claims)), refused)
          // Nor does it change anything about a token that is valid without it.
          assert.strictEqual((yield* send(cognito.issue("alice", {}, named))).status, 200)
        }
        assert.deepStrictEqual(elsewhere.requests, [])
      }),
    )

    it.effect("achieve nothing with a token in the query", () =>
      Effect.gen(function* () {
        const { api, cognito } = yield* Target
        const token = cognito.issue("alice")
        for (const name of ["access_token", "id_token", "token"]) {
          assert.deepStrictEqual(yield* send(undefined, `?${name}=${token}`), {
            status: 401,
            type: "urn:btc-price:problem:missing-token",
            challenge: 'Bearer realm="btc-price"',
            retryAfter: undefined,
          })
        }
        assert.notInclude(api.log(), token)
      }),
    )

    it.effect("cause at most one key fetch per ten seconds, with 300 random key names", () =>
      Effect.gen(function* () {
        const { cognito } = yield* Target
        const fetches = () => cognito.requests.filter(({ path }) => path.endsWith("jwks.json")).length
        const [startMillis, before] = [Date.now(), fetches()]
        const { payload } = TokenIssuer.partsOf(cognito.issue("alice"))
        const forged = (kid: number) =>
          `${TokenIssuer.contentOf({ alg: "RS256", kid: `kid-${kid}` }, payload)}.${"A".repeat(342)}`
        const statuses = new Set<number>()
        yield* Effect.forEach(
          Array.from({ length: 300 }, (_, kid) => kid),
          (kid) =>
            Effect.map(send(forged(kid)), ({ status, retryAfter }) => {
              statuses.add(status)
              if (status === 503) assert.strictEqual(retryAfter, "1")
            }),
          { concurrency: 20, discard: true },
        )
        assert.isAtMost(fetches() - before, Math.ceil((Date.now() - startMillis) / 10_000) + 1)
        // 401; 503 while keys are being fetched; 429 after the address was refused 60 times in a minute.
        assert.isTrue([...statuses].every((status) => [401, 429, 503].includes(status)))
        assert.isTrue(statuses.has(429))
        assert.strictEqual(
          (yield* send(cognito.issue("alice"))).status,
          200,
          "a user who has a token does not notice",
        )
      }),
    )
  },
)
