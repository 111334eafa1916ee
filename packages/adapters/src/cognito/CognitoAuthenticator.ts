/** Amazon Cognito as the Authenticator. */
import {
  Authenticator,
  type AuthenticatorError,
  Challenged,
  type SignIn,
  SignedIn,
  type Tokens,
} from "@btc-price/domain/access/Authenticator"
import type { InitiateAuthCommandOutput } from "@aws-sdk/client-cognito-identity-provider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as CognitoChallenge from "./CognitoChallenge.ts"
import * as CognitoClient from "./CognitoClient.ts"
import * as CognitoTokens from "./CognitoTokens.ts"
import type * as TokenClaims from "./TokenClaims.ts"
import { TokenVerifier } from "./TokenVerifier.ts"

export interface Options extends CognitoClient.Options, Pick<TokenClaims.Rules, "tokenUse"> {}

/**
 * Verifies tokens on this machine. Signs in with the flow USER_PASSWORD_AUTH, which must be allowed on the app client.
 * Refreshes with GetTokensFromRefreshToken, which works whether the client rotates refresh tokens or not.
 */
export const layer = (options: Options): Layer.Layer<Authenticator, never, TokenVerifier> =>
  Layer.effect(
    Authenticator,
    Effect.gen(function* () {
      const { verify, deny } = yield* TokenVerifier
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
          // Both are done, whatever becomes of the other.
          const denied = yield* Effect.exit(token === null ? Effect.void : deny(token))
          yield* client.revokeToken(Redacted.value(refreshToken)).pipe(
            // As RFC 7009 has it: what is not valid is revoked already.
            Effect.catchIf(
              ({ reason }) => reason === "invalid-refresh-token",
              () => Effect.void,
            ),
          )
          yield* denied
        }),
      })
    }),
  )

const tokensOf = (
  { AuthenticationResult: result }: Pick<InitiateAuthCommandOutput, "AuthenticationResult">,
  tokenUse: TokenClaims.Rules["tokenUse"],
): Effect.Effect<Tokens, AuthenticatorError> =>
  CognitoTokens.read(
    {
      idToken: result?.IdToken,
      accessToken: result?.AccessToken,
      refreshToken: result?.RefreshToken,
    },
    tokenUse,
  )
