/** Tokens as Cognito gives them, at a sign-in and at a login. */
import { AuthenticatorError, type Tokens } from "@btc-price/domain/access/Authenticator"
import { decomposeUnverifiedJwt } from "aws-jwt-verify/jwt"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as TokenClaims from "./TokenClaims.ts"

interface Given {
  readonly idToken: string | undefined
  readonly accessToken: string | undefined
  readonly refreshToken: string | undefined
}

const decodeLife = Schema.decodeUnknownOption(Schema.Struct({ iat: Schema.Finite, exp: Schema.Finite }))

/**
 * Fails as `unavailable` when one is missing. The lives of an ID and an access token are set apart, and each tells its
 * own.
 */
export const read = (
  { idToken, accessToken, refreshToken }: Given,
  tokenUse: TokenClaims.Rules["tokenUse"],
): Effect.Effect<Tokens, AuthenticatorError> => {
  const life = Option.liftThrowable(decomposeUnverifiedJwt)(
    (tokenUse === "access" ? accessToken : idToken) ?? "",
  ).pipe(Option.flatMap(({ payload }) => decodeLife(payload)))
  return idToken === undefined || accessToken === undefined || Option.isNone(life)
    ? Effect.fail(noTokens)
    : Effect.succeed({
        idToken: Redacted.make(idToken),
        accessToken: Redacted.make(accessToken),
        refreshToken: refreshToken === undefined ? null : Redacted.make(refreshToken),
        expiresIn: Duration.seconds(life.value.exp - life.value.iat),
      })
}

const noTokens = new AuthenticatorError({
  reason: "unavailable",
  detail: "Cognito's answer has neither a challenge nor an ID and an access token",
})
