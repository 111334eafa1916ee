/** Amazon Cognito as the IdentityProvider. */
import type { InitiateAuthCommandOutput } from "@aws-sdk/client-cognito-identity-provider"
import {
  Challenged,
  IdentityProvider,
  type IdentityProviderError,
  type SignIn,
  SignedIn,
  type Tokens,
} from "@btc-price/domain/access/IdentityProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as CognitoChallenge from "./CognitoChallenge.ts"
import * as CognitoClient from "./CognitoClient.ts"
import * as CognitoTokens from "./CognitoTokens.ts"
import type * as TokenClaims from "./TokenClaims.ts"

export interface Options extends CognitoClient.Options, Pick<TokenClaims.Rules, "tokenUse"> {}

/**
 * Signs in with the flow USER_PASSWORD_AUTH, which must be allowed on the app client. Refreshes with
 * GetTokensFromRefreshToken, which works whether the client rotates refresh tokens or not.
 */
export const layer = (options: Options): Layer.Layer<IdentityProvider> =>
  Layer.effect(
    IdentityProvider,
    Effect.gen(function* () {
      const client = yield* CognitoClient.make(options)

      const proceed = Effect.fnUntraced(function* (
        username: string,
        step: InitiateAuthCommandOutput,
      ): Effect.fn.Return<SignIn, CognitoChallenge.ReadError> {
        if (step.ChallengeName !== undefined) {
          return Challenged({ challenge: yield* CognitoChallenge.read(client, username, step) })
        }
        return SignedIn({ tokens: yield* tokensIn(step, options.tokenUse) })
      })

      return IdentityProvider.of({
        signIn: Effect.fn("IdentityProvider.signIn")(function* ({ username, password }) {
          return yield* proceed(username, yield* client.initiateAuth(username, password))
        }),

        answerChallenge: Effect.fn("IdentityProvider.answerChallenge")(function* (challenge, answer) {
          const step = yield* CognitoChallenge.answer(client, challenge, Redacted.value(answer))
          return yield* proceed(challenge.username, step)
        }),

        refresh: Effect.fn("IdentityProvider.refresh")(function* (refreshToken) {
          return yield* tokensIn(
            yield* client.getTokensFromRefreshToken(Redacted.value(refreshToken)),
            options.tokenUse,
          )
        }),

        revoke: Effect.fn("IdentityProvider.revoke")(function* (refreshToken) {
          yield* client.revokeToken(Redacted.value(refreshToken)).pipe(
            // As in RFC 7009: a token that is not valid is already revoked.
            Effect.catchIf(
              (error) => error.reason === "invalid-refresh-token",
              () => Effect.void,
            ),
          )
        }),
      })
    }),
  )

const tokensIn = (
  { AuthenticationResult: result }: Pick<InitiateAuthCommandOutput, "AuthenticationResult">,
  tokenUse: TokenClaims.Rules["tokenUse"],
): Effect.Effect<Tokens, IdentityProviderError<"unavailable">> =>
  CognitoTokens.read(
    {
      idToken: result?.IdToken,
      accessToken: result?.AccessToken,
      refreshToken: result?.RefreshToken,
    },
    tokenUse,
  )
