/** Amazon Cognito as the Authenticator. */
import {
  Authenticator,
  AuthenticatorError,
  Challenged,
  type SignIn,
  SignedIn,
  type Tokens,
} from "@btc-price/domain/Authenticator"
import type { InitiateAuthCommandOutput } from "@aws-sdk/client-cognito-identity-provider"
import { CognitoJwtVerifier } from "aws-jwt-verify/cognito-verifier"
import { decomposeUnverifiedJwt } from "aws-jwt-verify/jwt"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as CognitoChallenge from "./CognitoChallenge.ts"
import * as CognitoClient from "./CognitoClient.ts"
import type { SigningKeyStore } from "./SigningKeyStore.ts"
import type * as TokenClaims from "./TokenClaims.ts"
import * as TokenVerifier from "./TokenVerifier.ts"

export interface Options extends TokenClaims.Rules, CognitoClient.Options {
  /** For emulators; AWS's unless given. */
  readonly jwksUrl?: URL | string | undefined
}

/**
 * Verifies tokens on this machine, by keys that are fetched in the background. Signs in with the flow
 * USER_PASSWORD_AUTH, which must be allowed on the app client. Refreshes with GetTokensFromRefreshToken, which works
 * whether the client rotates refresh tokens or not.
 */
export const layer = (
  options: Options,
): Layer.Layer<Authenticator, never, HttpClient.HttpClient | SigningKeyStore> =>
  Layer.effect(
    Authenticator,
    Effect.gen(function* () {
      const { userPoolId, jwksUrl = CognitoJwtVerifier.parseUserPoolId(userPoolId).jwksUri } = options
      const { verify, deny } = yield* TokenVerifier.fromUrl(options, String(jwksUrl))
      const client = yield* CognitoClient.make(options)

      const proceed = Effect.fnUntraced(function* (
        username: string,
        step: InitiateAuthCommandOutput,
      ): Effect.fn.Return<SignIn, AuthenticatorError> {
        if (step.ChallengeName !== undefined) {
          return Challenged({ challenge: yield* CognitoChallenge.read(client, username, step) })
        }
        return SignedIn({ tokens: yield* tokensOf(step, options.tokenUse) })
      })

      return Authenticator.of({
        verify,

        signIn: Effect.fn("Authenticator.signIn")(function* ({ username, password }) {
          return yield* proceed(username, yield* client.initiateAuth(username, password))
        }),

        answerChallenge: Effect.fn("Authenticator.answerChallenge")(function* (challenge, answer) {
          const step = yield* CognitoChallenge.answer(client, challenge, Redacted.value(answer))
          return yield* proceed(challenge.username, step)
        }),

        refresh: Effect.fn("Authenticator.refresh")(function* (refreshToken) {
          return yield* tokensOf(
            yield* client.getTokensFromRefreshToken(Redacted.value(refreshToken)),
            options.tokenUse,
          )
        }),

        revoke: Effect.fn("Authenticator.revoke")(function* (refreshToken, token) {
          if (token !== null) yield* deny(token)
          yield* client.revokeToken(Redacted.value(refreshToken)).pipe(
            // As RFC 7009 has it: what is not valid is revoked already.
            Effect.catchIf(
              ({ reason }) => reason === "invalid-refresh-token",
              () => Effect.void,
            ),
          )
        }),
      })
    }),
  )

const Life = Schema.Struct({ iat: Schema.Finite, exp: Schema.Finite })

const decodeLife = Schema.decodeUnknownOption(Life)

/** `ExpiresIn` in Cognito's answer is the access token's; the ID token's life is set apart. Each tells its own. */
const tokensOf = (
  { AuthenticationResult: result }: Pick<InitiateAuthCommandOutput, "AuthenticationResult">,
  tokenUse: TokenClaims.Rules["tokenUse"],
): Effect.Effect<Tokens, AuthenticatorError> => {
  const { IdToken: idToken, AccessToken: accessToken, RefreshToken: refreshToken } = result ?? {}
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
