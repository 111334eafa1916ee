/** Tokens that look like Cognito's, signed with a key that the process generates and forgets when it stops. */
import type { Tokens } from "@btc-price/domain/access/IdentityProvider"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { generateKeyPair, hash, type KeyObject, randomUUID, sign } from "node:crypto"
import { promisify } from "node:util"
import * as SigningKeys from "../cognito/SigningKeys.ts"

/** A user pool and a client that look like Cognito's and cannot exist there. */
export const audience = { userPoolId: "zz-memory-1_Memory", clientId: "memory" }

const issuer = `https://cognito-idp.zz-memory-1.amazonaws.com/${audience.userPoolId}`

const lifetime = Duration.hours(1)

let generated: Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> | undefined

/** Generated once per process, because it costs 44 ms of CPU and tests build many user pools. */
const keyPair = Effect.promise(
  () => (generated ??= promisify(generateKeyPair)("rsa", { modulusLength: 2_048 })),
)

const kid = randomUUID()

/** What tokens are issued for. */
interface Grant {
  readonly username: string
  /** The same for all tokens of one sign-in. */
  readonly signInId: string
  /** The refresh token that is returned with them. */
  readonly refreshToken: Redacted.Redacted
}

export class MemoryTokens extends Context.Service<
  MemoryTokens,
  {
    /** An ID and an access token for a user. Never fails. */
    readonly issue: (grant: Grant) => Effect.Effect<Tokens>
  }
>()("@btc-price/adapters/memory/MemoryTokens") {}

/** Signs with the process's key, which the SigningKeys contain. */
export const layer: Layer.Layer<MemoryTokens | SigningKeys.SigningKeys> = Layer.unwrap(
  keyPair.pipe(
    Effect.map(({ publicKey, privateKey }) => {
      const jwk = { ...publicKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid }
      return Layer.merge(
        SigningKeys.layerFixed([jwk]),
        Layer.succeed(MemoryTokens, { issue: issueWith(privateKey) }),
      )
    }),
  ),
)

const issueWith = (privateKey: KeyObject): MemoryTokens["Service"]["issue"] => {
  const signed = (payload: object): Redacted.Redacted => {
    const content = `${encode({ kid, alg: "RS256" })}.${encode(payload)}`
    const signature = sign("RSA-SHA256", Buffer.from(content), privateKey)
    return Redacted.make(`${content}.${signature.toString("base64url")}`)
  }

  return Effect.fnUntraced(function* (grant) {
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
  })
}

/** The claims that an ID and an access token share. */
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

/** A UUID that is the same for a user name in every run. */
const subjectOf = (username: string): string =>
  hash("sha256", username).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5")
