/** Authenticator in memory, for tests and the run on one's own machine. Its tokens look like Cognito's. */
import { Authenticator, AuthenticatorError } from "@btc-price/domain/Authenticator"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import {
  generateKeyPair,
  hash,
  type KeyObject,
  randomBytes,
  randomUUID,
  sign,
  timingSafeEqual,
} from "node:crypto"
import { promisify } from "node:util"
import * as TokenVerifier from "./TokenVerifier.ts"

export interface User {
  readonly username: string
  readonly password: Redacted.Redacted
}

/**
 * Knows `users` and no others. Tokens are signed with a key that is made here and forgotten when the program
 * stops. A wrong password and an unknown user cost the same work and give the same error.
 */
export const layer = (options: { readonly users: ReadonlyArray<User> }): Layer.Layer<Authenticator> =>
  Layer.effect(
    Authenticator,
    Effect.gen(function* () {
      const passwords = new Map(options.users.map(({ username, password }) => [username, digest(password)]))
      const nobodysPassword = randomBytes(32)
      const kid = randomUUID()
      const { publicKey, privateKey } = yield* Effect.promise(() =>
        promisify(generateKeyPair)("rsa", { modulusLength: 2_048 }),
      )
      const jwk = { ...publicKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid }

      return Authenticator.of({
        verify: TokenVerifier.fromKeys(audience, [jwk]),

        signIn: Effect.fn("Authenticator.signIn")(function* ({ username, password }) {
          const expected = passwords.get(username) ?? nobodysPassword
          if (!timingSafeEqual(digest(password), expected)) {
            return yield* new AuthenticatorError({
              reason: "invalid-credentials",
              detail: "Incorrect username or password",
            })
          }
          const nowSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
          return {
            idToken: Redacted.make(signed(privateKey, { kid, alg: "RS256" }, claims(username, nowSeconds))),
            expiresIn: lifetime,
          }
        }),
      })
    }),
  )

/** A pool and a client that look like Cognito's and cannot be there. */
const audience = { userPoolId: "zz-memory-1_Memory", clientId: "memory" }

const issuer = `https://cognito-idp.zz-memory-1.amazonaws.com/${audience.userPoolId}`

const lifetime = Duration.hours(1)

const digest = (password: Redacted.Redacted): Buffer => hash("sha256", Redacted.value(password), "buffer")

/** Those of a Cognito ID token. */
const claims = (username: string, nowSeconds: number) => ({
  sub: subjectOf(username),
  iss: issuer,
  aud: audience.clientId,
  token_use: "id",
  "cognito:username": username,
  origin_jti: randomUUID(),
  event_id: randomUUID(),
  jti: randomUUID(),
  auth_time: nowSeconds,
  iat: nowSeconds,
  exp: nowSeconds + Duration.toSeconds(lifetime),
})

const signed = (key: KeyObject, header: object, payload: object): string => {
  const content = `${encode(header)}.${encode(payload)}`
  return `${content}.${sign("RSA-SHA256", Buffer.from(content), key).toString("base64url")}`
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url")

/** Of a UUID's form, and the same for a user name in every run. */
const subjectOf = (username: string): string =>
  hash("sha256", username).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5")
