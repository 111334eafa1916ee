/** Port: whose token a request carries. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"

/** What a verified token says. */
export interface Identity {
  /** The user's stable identifier (`sub`); for a machine, its client id. */
  readonly subject: string
  /** The user's name; for a machine, its client id. */
  readonly username: string
  readonly expiresAt: DateTime.Utc
}

/**
 * - `invalid-token`: the token does not prove who sent it;
 * - `insufficient-scope`: the token is valid, but lacks the scope or group that is required here;
 * - `unavailable`: the keys that would verify the token are not available now.
 */
export type AuthenticatorReason = "invalid-token" | "insufficient-scope" | "unavailable"

/** `Reason` narrows the error to the reasons that one operation can fail with. */
export class AuthenticatorError<
  out Reason extends AuthenticatorReason = AuthenticatorReason,
> extends Data.TaggedError("AuthenticatorError")<{
  readonly reason: Reason
  /** For the log. It may contain text that an attacker chose, so it never goes into a response. */
  readonly detail: string
}> {
  override get message(): string {
    return `${this.reason}: ${this.detail}`
  }
}

/** Both operations are local: no call leaves the process. */
export class Authenticator extends Context.Service<
  Authenticator,
  {
    /** The identity that `token` proves. Fails with any {@link AuthenticatorReason}. */
    readonly verify: (token: Redacted.Redacted) => Effect.Effect<Identity, AuthenticatorError>

    /**
     * Makes this process refuse `token`, an ID or access token, and all other tokens of the same sign-in. A token that
     * is not valid is ignored. Fails with `unavailable` only.
     */
    readonly deny: (token: Redacted.Redacted) => Effect.Effect<void, AuthenticatorError<"unavailable">>
  }
>()("@btc-price/domain/access/Authenticator") {}
