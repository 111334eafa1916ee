/** Port: a sign-in on the identity provider's own pages, by the authorization code flow (RFC 6749, PKCE of RFC 7636). */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { AuthenticatorError, Tokens } from "./Authenticator.ts"

/** What whoever began a login keeps, unseen by anybody else, until the browser comes back. */
export interface PendingLogin {
  /** Comes back with the browser, so that nobody can finish a login that another began. */
  readonly state: Redacted.Redacted
  /** Comes back in the ID token, so that a token of another login is not taken. */
  readonly nonce: Redacted.Redacted
  /** Proves at the exchange that the code was asked for here. */
  readonly codeVerifier: Redacted.Redacted
}

export class ManagedLogin extends Context.Service<
  ManagedLogin,
  {
    /** A new login, and the page of the provider where it goes on. */
    readonly begin: Effect.Effect<{ readonly page: URL; readonly pending: PendingLogin }>

    /**
     * Trades the code, which the browser brought back, for tokens. Fails as `invalid-credentials` when the provider
     * refuses the code or gives another login's token, as `unavailable` and as `misconfigured`.
     */
    readonly finish: (
      code: Redacted.Redacted,
      pending: PendingLogin,
    ) => Effect.Effect<Tokens, AuthenticatorError>
  }
>()("@btc-price/domain/access/ManagedLogin") {}
