/** Handles the sign-in endpoints. */
import { Authenticator } from "@btc-price/domain/access/Authenticator"
import {
  type ChallengeKey,
  ChallengeName,
  IdentityProvider,
  IdentityProviderError,
  type SignIn,
} from "@btc-price/domain/access/IdentityProvider"
import { ManagedLogin } from "@btc-price/domain/access/ManagedLogin"
import * as Digest from "effect/crypto/Digest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Api } from "../api/Api.ts"
import { ChallengeRequired, PasswordLoginOff } from "../api/IdentityProblem.ts"
import { type Purpose, Envelope } from "./Envelope.ts"
import { readChallengeAnswer, readCredentials, readRefreshToken, readRevocation } from "./SignInBodies.ts"
import { padded, refuse, refuseStep, startCounting } from "./SignInProblem.ts"
import * as TokensBody from "./TokensBody.ts"

export interface Options {
  /** Whether users may sign in with a password. If not, all of these endpoints answer 404. */
  readonly passwordLogin: boolean
}

export const layer = ({ passwordLogin }: Options) =>
  HttpApiBuilder.group(
    Api,
    "signIn",
    Effect.fnUntraced(function* (handlers) {
      yield* startCounting
      const authenticator = yield* Authenticator
      const digest = yield* Digest.Digest
      const provider = yield* IdentityProvider
      const envelope = yield* Envelope
      const managedLogin = yield* Effect.serviceOption(ManagedLogin)
      const requirePasswordLogin = passwordLogin
        ? Effect.void
        : Effect.fail(passwordLoginOff(Option.isSome(managedLogin)))

      /** The tokens, or the challenge as a problem whose session only `username` can answer. */
      const answer = (username: string) =>
        Effect.fnUntraced(function* (signIn: SignIn) {
          if (signIn._tag === "SignedIn") return TokensBody.toBody(signIn.tokens)
          const { secret, name, destination, choices } = signIn.challenge
          const session = yield* envelope.seal(challengeSession, username, signIn.challenge)
          return yield* new ChallengeRequired({
            challenge: name,
            session: session.text,
            expires_at: session.expiresAt,
            ...(destination === undefined ? {} : { destination }),
            ...(choices === undefined ? {} : { choices }),
            ...(secret === undefined ? {} : { secret: Redacted.value(secret) }),
          })
        })

      /** Names the user in the log by a digest, because people type passwords into the wrong field. */
      const withSubject =
        (username: string) =>
        <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          digest.digestHex(Digest.sha256, new TextEncoder().encode(username.trim().toLowerCase())).pipe(
            Effect.orDie,
            Effect.flatMap((hash) => Effect.annotateLogs(effect, "subject", hash.slice(0, 16))),
          )

      const openSession = Effect.fnUntraced(function* (username: string, session: Redacted.Redacted) {
        const challenge = yield* envelope.open(challengeSession, username, Redacted.value(session))
        return yield* Effect.fromOption(challenge).pipe(
          Effect.mapError(
            () =>
              new IdentityProviderError({
                reason: "challenge-failed",
                detail: "The session does not belong to this user, or has expired",
              }),
          ),
        )
      })

      /** Revokes the refresh token and denies the sign-in of `token`. Each is done even if the other fails. */
      const revoke = Effect.fnUntraced(function* (
        refreshToken: Redacted.Redacted,
        token: Redacted.Redacted | null,
      ) {
        const denied = yield* Effect.exit(token === null ? Effect.void : authenticator.deny(token))
        yield* provider.revoke(refreshToken)
        yield* denied
      })

      return handlers
        .handleRaw(
          "getToken",
          Effect.fnUntraced(function* ({ request }) {
            yield* requirePasswordLogin
            const credentials = yield* readCredentials(request)
            return yield* padded(provider.signIn(credentials)).pipe(
              Effect.catch(refuseStep),
              Effect.flatMap(answer(credentials.username)),
              withSubject(credentials.username),
            )
          }),
        )
        .handleRaw(
          "answerChallenge",
          Effect.fnUntraced(function* ({ request }) {
            yield* requirePasswordLogin
            const { username, session, answer: proof } = yield* readChallengeAnswer(request)
            return yield* openSession(username, session).pipe(
              Effect.flatMap((challenge) => provider.answerChallenge(challenge, proof)),
              padded,
              Effect.catch(refuseStep),
              Effect.flatMap(answer(username)),
              withSubject(username),
            )
          }),
        )
        .handleRaw(
          "refreshToken",
          Effect.fnUntraced(function* ({ request }) {
            yield* requirePasswordLogin
            const { refresh_token: refreshToken } = yield* readRefreshToken(request)
            return yield* padded(provider.refresh(refreshToken)).pipe(
              Effect.catch(refuse),
              Effect.map(TokensBody.toBody),
            )
          }),
        )
        .handleRaw(
          "revokeToken",
          Effect.fnUntraced(function* ({ request }) {
            yield* requirePasswordLogin
            const { refresh_token: refreshToken, token = null } = yield* readRevocation(request)
            yield* padded(revoke(refreshToken, token)).pipe(Effect.catch(refuse))
          }),
        )
    }),
  ).pipe(Layer.provide(Digest.layerWebCrypto))

/** The session that the caller returns with its answer. Its lifetime is the default of Cognito's own session. */
const challengeSession: Purpose<ChallengeKey> = {
  name: "challenge",
  schema: Schema.Struct({
    name: ChallengeName,
    username: Schema.String,
    session: Schema.RedactedFromValue(Schema.String),
  }),
  lifetime: Duration.minutes(3),
}

const passwordLoginOff = (hasManagedLogin: boolean) =>
  new PasswordLoginOff(
    hasManagedLogin ? { detail: "GET /login signs in on the identity provider's own pages." } : {},
  )
