/** Port: who may come in. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/** What a verified token says. */
export interface Identity {
  /** The user's stable identifier (`sub`). */
  readonly subject: string
  readonly username: string
  readonly expiresAt: DateTime.Utc
}

export interface Tokens {
  /** A JSON Web Token that `verify` accepts until it expires. */
  readonly idToken: Redacted.Redacted
  readonly expiresIn: Duration.Duration
}

export class AuthenticatorError extends Schema.TaggedError<AuthenticatorError>()("AuthenticatorError", {
  /**
   * - `invalid-token`: it does not prove who sent it;
   * - `invalid-credentials`: user name and password do not belong together, or there is no such user;
   * - `challenge-required`: the password was right, and another proof is wanted, named by `challenge`;
   * - `throttled`: this user has tried too often;
   * - `forbidden`: the identity provider's own rules keep this user out;
   * - `unavailable`: the identity provider or its keys cannot be had now;
   * - `misconfigured`: the provider does not accept this service; nothing a user does will help.
   */
  reason: Schema.Literals([
    "invalid-token",
    "invalid-credentials",
    "challenge-required",
    "throttled",
    "forbidden",
    "unavailable",
    "misconfigured",
  ]),
  /** For the log; may hold text that an attacker chose, so never for an answer. */
  detail: Schema.String,
  /** Such as `SOFTWARE_TOKEN_MFA`. */
  challenge: Schema.optionalKey(Schema.String),
}) {
  override get message(): string {
    return `${this.reason}: ${this.detail}`
  }
}

export class Authenticator extends Context.Service<
  Authenticator,
  {
    /**
     * Who the bearer of `token` is. Local: no call leaves the process. Fails as `invalid-token`, or as
     * `unavailable` while the keys that would tell are not at hand.
     */
    readonly verify: (token: Redacted.Redacted) => Effect.Effect<Identity, AuthenticatorError>

    /**
     * Trades a user name and password for tokens. Fails for every reason but `invalid-token`. Never
     * retries, because a second try with a wrong password may lock the user out.
     */
    readonly signIn: (credentials: {
      readonly username: string
      readonly password: Redacted.Redacted
    }) => Effect.Effect<Tokens, AuthenticatorError>
  }
>()("@btc-price/domain/Authenticator") {}
