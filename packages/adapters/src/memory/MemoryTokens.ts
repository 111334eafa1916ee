/** Tokens that look like Cognito's, signed with a key that is made here and forgotten when the program stops. */
import type { Tokens } from "@btc-price/domain/access/Authenticator"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { generateKeyPair, hash, randomUUID, sign } from "node:crypto"
import { promisify } from "node:util"

/** A pool and a client that look like Cognito's and cannot be there. */
export const audience = { userPoolId: "zz-memory-1_Memory", clientId: "memory" }

const issuer = `https://cognito-idp.zz-memory-1.amazonaws.com/${audience.userPoolId}`

const lifetime = Duration.hours(1)

/** What tokens are issued for. */
interface Grant {
  readonly username: string
  /** The same for all tokens that come from one sign-in. */
  readonly signInId: string
  /** The one that goes along with them. */
  readonly refreshToken: Redacted.Redacted
}

/** A new key, and what it signs: an ID and an access token of a user. */
export const make = Effect.gen(function* () {
  const kid = randomUUID()
  const { publicKey, privateKey } = yield* Effect.promise(() =>
    promisify(generateKeyPair)("rsa", { modulusLength: 2_048 }),
  )

  const signed = (payload: object): Redacted.Redacted => {
    const content = `${encode({ kid, alg: "RS256" })}.${encode(payload)}`
    const signature = sign("RSA-SHA256", Buffer.from(content), privateKey)
    return Redacted.make(`${content}.${signature.toString("base64url")}`)
  }

  return {
    jwk: { ...publicKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid },

    issue: Effect.fnUntraced(function* (grant: Grant): Effect.fn.Return<Tokens> {
      const { username, refreshToken } = grant
      const shared = claims(grant, Math.floor((yield* Clock.currentTimeMillis) / 1_000))
      return {
        idToken: signed({
          ...shared,
          aud: audience.clientId,
          token_use: "id",
          "cognito:username": username,
          jti: randomUUID(),
        }),
        accessToken: signed({
          ...shared,
          client_id: audience.clientId,
          token_use: "access",
          scope: "aws.cognito.signin.user.admin",
          username,
          jti: randomUUID(),
        }),
        refreshToken,
        expiresIn: lifetime,
      }
    }),
  }
})

/** Those that an ID and an access token share. */
const claims = ({ username, signInId }: Grant, nowSeconds: number) => ({
  sub: subjectOf(username),
  iss: issuer,
  origin_jti: signInId,
  event_id: randomUUID(),
  auth_time: nowSeconds,
  iat: nowSeconds,
  exp: nowSeconds + Duration.toSeconds(lifetime),
})

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url")

/** Of a UUID's form, and the same for a user name in every run. */
const subjectOf = (username: string): string =>
  hash("sha256", username).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5")
