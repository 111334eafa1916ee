/** Answers the sign-in endpoints. */
import {
  Authenticator,
  AuthenticatorError,
  type ChallengeKey,
  ChallengeName,
  type SignIn,
} from "@btc-price/domain/access/Authenticator"
import { ManagedLogin } from "@btc-price/domain/access/ManagedLogin"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Api } from "../api/Api.ts"
import { ChallengeRequired, PasswordLoginOff } from "../api/IdentityProblem.ts"
import { readChallengeAnswer, readCredentials, readRefreshToken, readRevocation } from "./SignInBodies.ts"
import { type Purpose, Seal } from "./Seal.ts"
import { padded, refuse } from "./IdentityRefusal.ts"
import * as TokensBody from "./TokensBody.ts"

export interface Options {
  /** Whether users may sign in with a password. Without it, none of these endpoints is there. */
  readonly passwordLogin: boolean
}

export const layer = ({ passwordLogin }: Options) =>
  HttpApiBuilder.group(
    Api,
    "signIn",
    Effect.fnUntraced(function* (handlers) {
      const authenticator = yield* Authenticator
      const seal = yield* Seal
      const managedLogin = yield* Effect.serviceOption(ManagedLogin)
      const requirePasswordLogin = passwordLogin
        ? Effect.void
        : Effect.fail(passwordLoginOff(Option.isSome(managedLogin)))

      /** The tokens, or the challenge as a problem whose session only `username` can bring back. */
      const answer = (username: string) =>
        Effect.fnUntraced(function* (signIn: SignIn) {
          if (signIn._tag === "SignedIn") return TokensBody.toBody(signIn.tokens)
          const { secret, name, destination, choices } = signIn.challenge
          const session = yield* seal.seal(challengeSession, username, signIn.challenge)
          return yield* new ChallengeRequired({
            challenge: name,
            session: session.text,
            expires_at: session.expiresAt,
            ...(destination === undefined ? {} : { destination }),
            ...(choices === undefined ? {} : { choices }),
            ...(secret === undefined ? {} : { secret: Redacted.value(secret) }),
          })
        })

      const openSession = Effect.fnUntraced(function* (username: string, session: Redacted.Redacted) {
        const challenge = yield* seal.open(challengeSession, username, Redacted.value(session))
        return yield* Effect.fromOption(challenge).pipe(
          Effect.mapError(
            () =>
              new AuthenticatorError({
                reason: "challenge-failed",
                detail: "The session is not one of this user's, or it is too old",
              }),
          ),
        )
      })

      return handlers
        .handleRaw(
          "getToken",
          Effect.fnUntraced(function* ({ request }) {
            yield* requirePasswordLogin
            const credentials = yield* readCredentials(request)
            return yield* padded(authenticator.signIn(credentials)).pipe(
              Effect.catch(refuse("invalid-credentials", "unknown-challenge", ...always)),
              Effect.flatMap(answer(credentials.username)),
            )
          }),
        )
        .handleRaw(
          "answerChallenge",
          Effect.fnUntraced(function* ({ request }) {
            yield* requirePasswordLogin
            const { username, session, answer: proof } = yield* readChallengeAnswer(request)
            return yield* openSession(username, session).pipe(
              Effect.flatMap((challenge) => authenticator.answerChallenge(challenge, proof)),
              padded,
              Effect.catch(
                refuse("challenge-failed", "unknown-challenge", "invalid-new-password", ...always),
              ),
              Effect.flatMap(answer(username)),
            )
          }),
        )
        .handleRaw(
          "refreshToken",
          Effect.fnUntraced(function* ({ request }) {
            yield* requirePasswordLogin
            const { refresh_token: refreshToken } = yield* readRefreshToken(request)
            return yield* padded(authenticator.refresh(refreshToken)).pipe(
              Effect.catch(refuse("invalid-refresh-token", "reused-refresh-token", ...always)),
              Effect.map(TokensBody.toBody),
            )
          }),
        )
        .handleRaw(
          "revokeToken",
          Effect.fnUntraced(function* ({ request }) {
            yield* requirePasswordLogin
            const { refresh_token: refreshToken, token = null } = yield* readRevocation(request)
            yield* padded(authenticator.revoke(refreshToken, token)).pipe(Effect.catch(refuse(...always)))
          }),
        )
    }),
  )

/** Reasons that any operation may have. */
const always = ["invalid-input", "throttled", "forbidden", "unavailable"] as const

/** What comes back with the answer to a challenge. It lives as long as Cognito's own memory of it does by default. */
const challengeSession: Purpose<ChallengeKey> = {
  name: "challenge",
  schema: Schema.Struct({
    name: ChallengeName,
    username: Schema.String,
    session: Schema.RedactedFromValue(Schema.String),
  }),
  life: Duration.minutes(3),
}

const passwordLoginOff = (hasManagedLogin: boolean) =>
  new PasswordLoginOff(
    hasManagedLogin ? { detail: "GET /login signs in on the identity provider's own pages." } : {},
  )
