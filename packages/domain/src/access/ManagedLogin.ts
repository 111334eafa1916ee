/** Port: a login on the identity provider's own pages, by the authorization code flow (RFC 6749, PKCE of RFC 7636). */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { IdentityProviderError, Tokens } from "./IdentityProvider.ts"

/** What the client that began a login keeps secret until the browser comes back. */
export interface PendingLogin {
  /** The browser brings it back, so that nobody can finish a login that somebody else began. */
  readonly state: Redacted.Redacted
  /** The ID token contains it, so that a token of another login is not accepted. */
  readonly nonce: Redacted.Redacted
  /** Proves at the exchange that the code was requested here. */
  readonly codeVerifier: Redacted.Redacted
}

export class ManagedLogin extends Context.Service<
  ManagedLogin,
  {
    /** A new login, and the provider's page where it continues. Never fails. */
    readonly begin: Effect.Effect<{ readonly page: URL; readonly pending: PendingLogin }>

    /**
     * Trades the code that the browser brought back for tokens. Fails with `invalid-credentials` when the provider
     * refuses the code or returns a token of another login, with `unavailable`, and with `misconfigured`.
     */
    readonly finish: (
      code: Redacted.Redacted,
      pending: PendingLogin,
    ) => Effect.Effect<Tokens, IdentityProviderError<"invalid-credentials" | "unavailable" | "misconfigured">>
  }
>()("@btc-price/domain/access/ManagedLogin") {}
