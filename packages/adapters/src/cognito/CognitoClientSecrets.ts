/** The secrets of an app client. There are two while one replaces the other. */
import { IdentityProviderError } from "@btc-price/domain/access/IdentityProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

/** Cognito checks the client's secret before anything else, so that this failure is not counted against the user. */
export const wrongClientSecret = new IdentityProviderError({
  reason: "misconfigured",
  detail: "The app client has a secret, and it is not the secret that is configured here",
})

/** Attempts with the first secret, and with the next when Cognito refuses the first; without any secret, once. */
export const withEach = <A, E>(
  secrets: ReadonlyArray<Redacted.Redacted>,
  attempt: (secret: string | undefined) => Effect.Effect<A, E>,
): Effect.Effect<A, E> => {
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
