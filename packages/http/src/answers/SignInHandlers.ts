/** Answers the sign-in endpoints. The body is read here, because it holds a password that must not reach a log. */
import { Authenticator, type AuthenticatorError } from "@btc-price/domain/Authenticator"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Redacted from "effect/Redacted"
import { Api } from "../api/Api.ts"
import {
  ChallengeRequired,
  IdentityUnavailable,
  InternalError,
  InvalidCredentials,
  LoginNotConfigured,
  SignInForbidden,
  TooManyAttempts,
} from "../api/Problem.ts"
import { Credentials } from "../api/SignIn.ts"
import * as JsonBody from "../requests/JsonBody.ts"

/** The largest body of `POST /get_token`, in bytes. */
const bodyLimitBytes = 4096

export const layer = HttpApiBuilder.group(
  Api,
  "signIn",
  Effect.fnUntraced(function* (handlers) {
    const authenticator = yield* Authenticator
    return handlers
      .handleRaw(
        "getToken",
        Effect.fnUntraced(function* ({ request }) {
          const credentials = yield* JsonBody.decode(Credentials, request, {
            limitBytes: bodyLimitBytes,
            whole: 'The body must be a JSON object: {"username": "…", "password": "…"}',
            // Clients of the original may send more than is needed.
            onExcessProperty: "ignore",
          })
          const step = yield* authenticator.signIn(credentials).pipe(Effect.catch(refuse))
          if (step._tag === "Challenged")
            return yield* new ChallengeRequired({ challenge: step.challenge.name })
          const { tokens } = step
          return {
            id_token: Redacted.value(tokens.idToken),
            token_type: "Bearer" as const,
            expires_in: Math.floor(Duration.toSeconds(tokens.expiresIn)),
          }
        }),
      )
      .handle("callback", () => Effect.fail(new LoginNotConfigured()))
  }),
)

const refuse = Effect.fnUntraced(function* (error: AuthenticatorError) {
  switch (error.reason) {
    case "invalid-credentials":
    case "invalid-input":
    case "challenge-failed":
    case "invalid-new-password":
    case "invalid-refresh-token":
    case "reused-refresh-token":
      yield* Effect.logInfo("A sign-in was refused").pipe(Effect.annotateLogs("detail", error.detail))
      return yield* new InvalidCredentials()
    case "unknown-challenge":
    case "forbidden":
      return yield* new SignInForbidden()
    case "throttled":
      return yield* new TooManyAttempts()
    case "unavailable":
      yield* Effect.logWarning("The identity provider cannot be reached", Cause.fail(error))
      return yield* new IdentityUnavailable()
    case "misconfigured":
    case "insufficient-scope":
    case "invalid-token":
      yield* Effect.logError("The identity provider does not accept this service", Cause.fail(error))
      return yield* new InternalError()
  }
})
