/** The secret of an app client, of which there are two while one replaces the other. */
import { AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** Cognito looks at the client's secret before it looks at anything else, so that no attempt of a user's counts. */
export const wrongClientSecret = new AuthenticatorError({
  reason: "misconfigured",
  detail: "The app client has a secret, and it is not the one that is set here",
})

/** Attempts with the first secret, and with the next one when Cognito does not take that; without any, once. */
export const withEach = <A>(
  secrets: ReadonlyArray<Redacted.Redacted>,
  attempt: (secret: string | undefined) => Effect.Effect<A, AuthenticatorError>,
): Effect.Effect<A, AuthenticatorError> => {
  const [first, ...others] = secrets.map(Redacted.value)
  return others.reduce(
    (attempted, secret) =>
      Effect.catchIf(
        attempted,
        (error) => error === wrongClientSecret,
        () => attempt(secret),
      ),
    attempt(first),
  )
}
