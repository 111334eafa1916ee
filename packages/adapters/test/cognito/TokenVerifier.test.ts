import * as SigningKeys from "@btc-price/adapters/cognito/SigningKeys"
import * as TokenClaims from "@btc-price/adapters/cognito/TokenClaims"
import * as TokenVerifier from "@btc-price/adapters/cognito/TokenVerifier"
import { Authenticator, type AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import { assert, describe, it, vi } from "@effect/vitest"
import { JwtVerifier } from "aws-jwt-verify/jwt-verifier"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { createHmac } from "node:crypto"
import * as TokenIssuer from "./TokenIssuer.ts"

const audience = { userPoolId: "eu-central-1_AbCdEfGhI", clientId: "4example0client0id" }
const issuer = `https://cognito-idp.eu-central-1.amazonaws.com/${audience.userPoolId}`
const key = TokenIssuer.keyAt(0)
const otherKey = TokenIssuer.makeKey({ kid: key.kid })
const nowSeconds = 1_790_000_000

const header = TokenIssuer.header(key)
const claims = TokenIssuer.claims({ ...audience, username: "alice", nowSeconds })
const valid = TokenIssuer.sign(key, header, claims)
const [content, signature] = [valid.slice(0, valid.lastIndexOf(".")), valid.slice(valid.lastIndexOf(".") + 1)]

const withHeader = (changes: object) => TokenIssuer.sign(key, { ...header, ...changes }, claims)
const withClaims = (changes: object) => TokenIssuer.sign(key, header, { ...claims, ...changes })
const without = (part: object, name: string) =>
  Object.fromEntries(Object.entries(part).filter(([key]) => key !== name))

const rules = { ...TokenClaims.anyUsersIdToken, ...audience }
/** An Authenticator that knows only the one key. */
const makeAuthenticator = (accepted: TokenClaims.Rules) =>
  TokenVerifier.layer(accepted).pipe(
    Layer.provide(SigningKeys.layerFixed([key.jwk])),
    Layer.build,
    Effect.map(Context.get(Authenticator)),
    Effect.scoped,
    Effect.runSync,
  )
const { verify } = makeAuthenticator(rules)

const access = (changes: object) =>
  TokenIssuer.sign(key, header, {
    ...claims,
    ...TokenIssuer.accessClaims({ clientId: audience.clientId, username: "alice" }),
    ...changes,
  })

const ofSignIn = (originJti: string, jti: string) => withClaims({ origin_jti: originJti, jti })

/** Tokens of our client's user, one for each use and form. */
const ofUser = {
  id: valid,
  access: access({}),
  "at+jwt": TokenIssuer.sign(
    key,
    { ...header, typ: "at+jwt" },
    { ...claims, ...TokenIssuer.accessClaims({ clientId: audience.clientId, username: "alice" }) },
  ),
  "an ID token as at+jwt": withHeader({ typ: "at+jwt" }),
  refresh: withClaims({ token_use: "refresh" }),
  "an access token of another client": access({ client_id: "another0client0id" }),
}

/** The names of the tokens that are accepted now. */
const accepting = Effect.fnUntraced(function* (
  accepted: TokenClaims.Rules,
  tokens: ReadonlyArray<readonly [name: string, token: string]>,
) {
  yield* TestClock.setTime(nowSeconds * 1_000)
  const { verify } = makeAuthenticator(accepted)
  const found = yield* Effect.forEach(tokens, ([name, token]) =>
    Effect.match(verify(Redacted.make(token)), { onSuccess: () => [name], onFailure: () => [] }),
  )
  return found.flat()
})

const outcome = (token: string): Effect.Effect<AuthenticatorError["reason"] | "accepted"> =>
  verify(Redacted.make(token)).pipe(
    Effect.match({ onSuccess: () => "accepted" as const, onFailure: ({ reason }) => reason }),
  )

/** Each differs from the valid token only as its name says. */
const attacks: Readonly<Record<string, string>> = {
  "alg none, unsigned": `${TokenIssuer.contentOf({ ...header, alg: "none" }, claims)}.`,
  "alg none, with a signature": withHeader({ alg: "none" }),
  "HS256 with the public key as its secret": hmacSigned(
    key.publicKey.export({ format: "pem", type: "spki" }).toString(),
  ),
  "HS256 with the modulus as its secret": hmacSigned(String(key.jwk["n"])),
  "an alg in another case": withHeader({ alg: "rs256" }),
  "an alg of another hash": withHeader({ alg: "RS512" }),
  "an alg of elliptic curves": withHeader({ alg: "ES256" }),
  "an alg of Edwards curves": withHeader({ alg: "EdDSA" }),
  "no alg": TokenIssuer.sign(key, without(header, "alg"), claims),
  "no kid": TokenIssuer.sign(key, without(header, "kid"), claims),
  "an unknown kid": withHeader({ kid: "another" }),
  "a kid that is a path": withHeader({ kid: "../../dev/null" }),
  "a property name of objects as the kid": withHeader({ kid: "__proto__" }),
  "a critical extension": withHeader({ crit: ["exp"] }),
  "an empty list of critical extensions": withHeader({ crit: [] }),
  "an access token's typ": withHeader({ typ: "at+jwt" }),
  "a typ that is not text": withHeader({ typ: ["JWT"] }),
  "another key of the same kid": TokenIssuer.sign(otherKey, header, claims),
  "another key, embedded": TokenIssuer.sign(otherKey, { ...header, jwk: otherKey.jwk }, claims),
  "another pool's issuer": withClaims({ iss: issuer.replace("AbCdEfGhI", "Another00") }),
  "an issuer with our issuer as its prefix": withClaims({ iss: `${issuer}.example.com` }),
  "an issuer in plaintext": withClaims({ iss: issuer.replace("https", "http") }),
  "no issuer": TokenIssuer.sign(key, header, without(claims, "iss")),
  "another client's audience": withClaims({ aud: "another0client0id" }),
  "a list of audiences": withClaims({ aud: [audience.clientId] }),
  "no audience": TokenIssuer.sign(key, header, without(claims, "aud")),
  "an access token": withClaims({ token_use: "access", client_id: audience.clientId }),
  "a refresh token": withClaims({ token_use: "refresh" }),
  "no token_use": TokenIssuer.sign(key, header, without(claims, "token_use")),
  "expired this second": withClaims({ iat: nowSeconds - 3_600, exp: nowSeconds }),
  "no exp": TokenIssuer.sign(key, header, without(claims, "exp")),
  "an exp that is text": withClaims({ exp: String(nowSeconds + 3_600) }),
  "an exp that is null": withClaims({ exp: null }),
  "a lifetime of more than a day": withClaims({ exp: nowSeconds + 86_401 }),
  "an exp at the end of time": withClaims({ exp: 1e300 }),
  "not valid yet": withClaims({ nbf: nowSeconds + 61 }),
  "an nbf that is text": withClaims({ nbf: "0" }),
  "issued in the future": withClaims({ iat: nowSeconds + 61 }),
  "issued in the future, though valid now": withClaims({ iat: nowSeconds + 61, nbf: nowSeconds }),
  "issued a day ahead": withClaims({ iat: nowSeconds + 86_400, exp: nowSeconds + 90_000 }),
  "no iat": TokenIssuer.sign(key, header, without(claims, "iat")),
  "no sub": TokenIssuer.sign(key, header, without(claims, "sub")),
  "an empty sub": withClaims({ sub: "" }),
  "a sub that is a number": withClaims({ sub: 1 }),
  "no user name": TokenIssuer.sign(key, header, without(claims, "cognito:username")),
  "an empty user name": withClaims({ "cognito:username": "" }),
  "other claims under the same signature": `${TokenIssuer.contentOf(header, { ...claims, sub: "mallory" })}.${signature}`,
  "no signature": `${content}.`,
  "no signature and no dot": content,
  "a signature with a bit flipped": `${content}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`,
  "a signature cut short": `${content}.${signature.slice(0, -4)}`,
  "a padded signature": `${valid}==`,
  "a signature whose spare bits are set":
    content + "." + signature.slice(0, -1) + nextLetter(signature.at(-1)),
  "more than 16 KiB": withClaims({ filler: "x".repeat(13_000) }),
  "a fourth part": `${valid}.${signature}`,
  "the five parts of an encrypted token": `${valid}.${signature}.${signature}`,
  "white space before": ` ${valid}`,
  "white space after": `${valid}\n`,
  "the scheme in front": `Bearer ${valid}`,
}

const garbage: ReadonlyArray<string> = [
  "",
  ".",
  "..",
  "a.b.c",
  "\0",
  "💥.💥.💥",
  `${Buffer.from("null").toString("base64url")}.${Buffer.from("null").toString("base64url")}.AAAA`,
  `${content.split(".")[0]}.${Buffer.from("[".repeat(5_000)).toString("base64url")}.${signature}`,
  `${content.split(".")[0]}.${Buffer.from('{"a":'.repeat(900) + "1" + "}".repeat(900)).toString("base64url")}.AAAA`,
  "e".repeat(10_000_000),
]

const acceptable: Readonly<Record<string, string>> = {
  "the header typ JWT": withHeader({ typ: "JWT" }),
  "the newer form of the issuer": withClaims({ iss: issuer.replace("cognito-idp", "issuer-cognito-idp") }),
  "a lifetime of a day": withClaims({ exp: nowSeconds + 86_400 }),
  "an issuer's clock that is a minute ahead": withClaims({ iat: nowSeconds + 60, nbf: nowSeconds + 60 }),
  "the last second of its lifetime": withClaims({ iat: nowSeconds - 3_599, exp: nowSeconds + 1 }),
  // They are ignored: only the pool's keys count, and nothing is fetched.
  "keys and addresses of keys in its header": withHeader({
    jku: "http://127.0.0.1:1/jwks.json",
    x5u: "http://127.0.0.1:1/x5u",
    jwk: otherKey.jwk,
  }),
}

describe("TokenVerifier", () => {
  it.effect("returns whom a token identifies and when it expires", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(nowSeconds * 1_000)
      assert.deepStrictEqual(yield* verify(Redacted.make(valid)), {
        subject: "sub-of-alice",
        username: "alice",
        expiresAt: DateTime.makeUnsafe((nowSeconds + 3_600) * 1_000),
      })
    }),
  )

  it.effect.each(Object.entries(attacks))("refuses %s", ([, token]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(nowSeconds * 1_000)
      assert.strictEqual(yield* outcome(valid), "accepted")
      assert.strictEqual(yield* outcome(token), "invalid-token")
    }),
  )

  it.effect.each(Object.entries(acceptable))("accepts %s", ([, token]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(nowSeconds * 1_000)
      assert.strictEqual(yield* outcome(token), "accepted")
    }),
  )

  it.effect("refuses garbage", () =>
    Effect.gen(function* () {
      for (const token of garbage) assert.strictEqual(yield* outcome(token), "invalid-token")
    }),
  )

  it.effect("follows Effect's clock to the end of the token's lifetime", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(nowSeconds * 1_000)
      assert.strictEqual(yield* outcome(valid), "accepted")
      yield* TestClock.adjust("3599 seconds")
      assert.strictEqual(yield* outcome(valid), "accepted")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* outcome(valid), "invalid-token")
      assert.strictEqual(yield* Clock.currentTimeMillis, (nowSeconds + 3_600) * 1_000)
    }),
  )

  it.effect.each([
    ["id", ["id"]],
    ["access", ["access", "at+jwt"]],
    ["either", ["id", "access", "at+jwt"]],
  ] as const)("accepts from our client's users, where the token use is %s, %o", ([tokenUse, accepted]) =>
    Effect.gen(function* () {
      const found = yield* accepting({ ...rules, tokenUse }, Object.entries(ofUser))
      assert.deepStrictEqual(found, [...accepted])
    }),
  )

  it.effect("accepts only access tokens of the named machines, and no user's token of another client", () =>
    Effect.gen(function* () {
      const machines = { ...rules, tokenUse: "either" as const, machineClientIds: ["machine"] }
      const found = yield* accepting(machines, [
        ["machine", access({ client_id: "machine", sub: "machine", username: undefined })],
        ["unknown machine", access({ client_id: "unknown", sub: "unknown", username: undefined })],
        ["our client itself", access({ sub: audience.clientId, username: undefined })],
        ["a user by a machine's client", access({ client_id: "machine" })],
        ["another's subject", access({ client_id: "machine", username: undefined })],
        ["an ID token for a machine", withClaims({ aud: "machine" })],
      ])
      assert.deepStrictEqual(found, ["machine"])
    }),
  )

  it.effect.each([
    ["a scope", { requiredScope: "btc-price/read" }, ["scope", "scope among others"]],
    ["a group", { requiredGroup: "finance" }, ["group"]],
    [
      "a scope or a group",
      { requiredScope: "btc-price/read", requiredGroup: "finance" },
      ["scope", "scope among others", "group"],
    ],
  ] as const)("admits only tokens that have %s", ([, needed, admitted]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(nowSeconds * 1_000)
      const { verify } = makeAuthenticator({ ...rules, tokenUse: "either", ...needed })
      const tokens = {
        scope: access({ scope: "btc-price/read" }),
        "scope among others": access({ scope: "openid btc-price/read profile" }),
        "a scope that begins alike": access({ scope: "btc-price/read.all" }),
        "a scope in an ID token": withClaims({ scope: "btc-price/read" }),
        group: withClaims({ "cognito:groups": ["staff", "finance"] }),
        "another group": withClaims({ "cognito:groups": ["Finance"] }),
        neither: valid,
      }
      const found = yield* Effect.forEach(Object.entries(tokens), ([name, token]) =>
        Effect.match(verify(Redacted.make(token)), {
          onSuccess: () => ({ name, reason: "admitted" }),
          onFailure: ({ reason }) => ({ name, reason }),
        }),
      )
      const names = found.filter(({ reason }) => reason === "admitted").map(({ name }) => name)
      assert.deepStrictEqual(names, [...admitted])
      assert.isTrue(found.every(({ reason }) => ["admitted", "insufficient-scope"].includes(reason)))
    }),
  )

  it.effect("denies only the sign-in of a token, including tokens that were verified before", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(nowSeconds * 1_000)
      const { verify, deny } = makeAuthenticator({ ...rules, tokenUse: "either" })
      yield* verify(Redacted.make(ofSignIn("a", "1")))
      yield* deny(Redacted.make(ofSignIn("a", "2")))
      for (const token of [ofSignIn("a", "1"), ofSignIn("a", "3"), access({ origin_jti: "a" })]) {
        assert.strictEqual((yield* Effect.flip(verify(Redacted.make(token)))).reason, "invalid-token")
      }
      yield* verify(Redacted.make(ofSignIn("b", "1")))
      yield* deny(Redacted.make(`${content}.`))
      const onlyId = makeAuthenticator(rules)
      yield* onlyId.deny(Redacted.make(access({ origin_jti: "c" })))
      assert.strictEqual(
        (yield* Effect.flip(onlyId.verify(Redacted.make(ofSignIn("c", "1"))))).reason,
        "invalid-token",
      )
    }),
  )

  it.effect("does not repeat the content of a refused token", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(verify(Redacted.make(withClaims({ aud: "canary", sub: "canary" }))))
      assert.notInclude(`${error}${JSON.stringify(error)}`, "canary")
    }),
  )

  it.effect("dies of an error that is not a verdict on the token", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(nowSeconds * 1_000)
      const { verify } = makeAuthenticator(rules)
      const broken = vi.spyOn(JwtVerifier.prototype, "verifySync").mockImplementationOnce(() => {
        throw new TypeError("broken")
      })
      const exit = yield* Effect.exit(verify(Redacted.make(valid)))
      broken.mockRestore()
      assert.isTrue(exit._tag === "Failure" && exit.cause.reasons.every(({ _tag }) => _tag === "Die"))
    }),
  )

  it.effect.each([
    ["cn-north-1_AbCdEfGhI", "https://cognito-idp.cn-north-1.amazonaws.com.cn"],
    ["eusc-de-east-1_AbCdEfGhI", "https://cognito-idp.eusc-de-east-1.amazonaws.eu"],
    ["eu-central-1_AbCdEfGhI", "https://issuer-cognito-idp.eu-central-1.amazonaws.com"],
    // A region in which the pool is replicated.
    ["eu-central-1_AbCdEfGhI", "https://cognito-idp.eu-west-1.amazonaws.com"],
    ["eu-central-1_AbCdEfGhI", "https://issuer-cognito-idp.eu-west-1.amazonaws.com"],
  ] as const)("accepts tokens of %s from %s", ([userPoolId, origin]) =>
    Effect.gen(function* () {
      const own = { ...rules, userPoolId, replicaRegions: ["eu-west-1"] }
      const tokens = [
        ["own", withClaims({ iss: `${origin}/${userPoolId}` })],
        ["of another pool", withClaims({ iss: `${origin}/${userPoolId}x` })],
        ["elsewhere", withClaims({ iss: `https://cognito-idp.eu-west-2.amazonaws.com/${userPoolId}` })],
      ] as const
      assert.deepStrictEqual(yield* accepting(own, tokens), ["own"])
    }),
  )

  it.effect("accepts a token of a user in 100 groups", () =>
    Effect.gen(function* () {
      const groups = Array.from({ length: 100 }, (_, index) => `group-${index}`.padEnd(75, "x"))
      const token = withClaims({ "cognito:groups": groups })
      assert.isAbove(token.length, 10_000)
      assert.deepStrictEqual(yield* accepting(rules, [["many groups", token]]), ["many groups"])
    }),
  )
})

function hmacSigned(secret: string): string {
  const content = TokenIssuer.contentOf({ ...header, alg: "HS256" }, claims)
  return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`
}

/** The letter of base64url that differs only in the lowest bit. */
function nextLetter(letter: string | undefined): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
  return alphabet[alphabet.indexOf(letter ?? "") ^ 1] ?? ""
}
