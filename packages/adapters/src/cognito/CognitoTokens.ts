/** Tokens as Cognito returns them, from a sign-in and from a managed login. */
import { IdentityProviderError, type Tokens } from "@btc-price/domain/access/IdentityProvider"
import { decomposeUnverifiedJwt } from "aws-jwt-verify/jwt"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as TokenClaims from "./TokenClaims.ts"

interface Returned {
  readonly idToken: string | undefined
  readonly accessToken: string | undefined
  readonly refreshToken: string | undefined
}

const decodeLifetime = Schema.decodeUnknownOption(Schema.Struct({ iat: Schema.Finite, exp: Schema.Finite }))

/**
 * Fails with `unavailable` when a token is missing. ID and access tokens can have different lifetimes, so the lifetime is
 * read from the token that the Authenticator accepts.
 */
export const read = (
  { idToken, accessToken, refreshToken }: Returned,
  tokenUse: TokenClaims.Rules["tokenUse"],
): Effect.Effect<Tokens, IdentityProviderError<"unavailable">> => {
  const lifetime = Option.liftThrowable(decomposeUnverifiedJwt)(
    (tokenUse === "access" ? accessToken : idToken) ?? "",
  ).pipe(Option.flatMap(({ payload }) => decodeLifetime(payload)))
  return idToken === undefined || accessToken === undefined || Option.isNone(lifetime)
    ? Effect.fail(noTokens)
    : Effect.succeed({
        idToken: Redacted.make(idToken),
        accessToken: Redacted.make(accessToken),
        refreshToken: refreshToken === undefined ? null : Redacted.make(refreshToken),
        expiresIn: Duration.seconds(lifetime.value.exp - lifetime.value.iat),
      })
}

const noTokens = new IdentityProviderError({
  reason: "unavailable",
  detail: "Cognito's response has neither a challenge nor both an ID and an access token",
})
