/** Port: who may come in. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/** What a verified token says. */
export interface Identity {
  /** The user's stable identifier (`sub`); of a machine, its client. */
  readonly subject: string
  /** The user's name; of a machine, its client. */
  readonly username: string
  readonly expiresAt: DateTime.Utc
}

export interface Tokens {
  readonly idToken: Redacted.Redacted
  readonly accessToken: Redacted.Redacted
  /** Null when the one that was used stays valid. */
  readonly refreshToken: Redacted.Redacted | null
  /** How long the one of them that `verify` accepts lives. */
  readonly expiresIn: Duration.Duration
}

/** The further proofs that are understood. The names are Cognito's. */
export const ChallengeName = Schema.Literals([
  "SOFTWARE_TOKEN_MFA",
  "SMS_MFA",
  "EMAIL_OTP",
  "SELECT_MFA_TYPE",
  "NEW_PASSWORD_REQUIRED",
  "MFA_SETUP",
])
export type ChallengeName = typeof ChallengeName.Type

/** What comes back with the answer to a challenge. */
export interface ChallengeKey {
  readonly name: ChallengeName
  /** The user as the provider calls it from here on, which may differ from what was typed. */
  readonly username: string
  /** The provider's own memory of this sign-in; good for one answer. */
  readonly session: Redacted.Redacted
}

/** A further proof that is wanted. */
export interface Challenge extends ChallengeKey {
  /** Of `SMS_MFA` and `EMAIL_OTP`: where the code went, masked by the provider. */
  readonly destination?: string
  /** Of `SELECT_MFA_TYPE`: the challenges to choose from. */
  readonly choices?: ReadonlyArray<string>
  /** Of `MFA_SETUP`: the secret for the authenticator app, in base 32. */
  readonly secret?: Redacted.Redacted
}

/** How far a sign-in has come. */
export type SignIn = Data.TaggedEnum<{
  readonly SignedIn: { readonly tokens: Tokens }
  readonly Challenged: { readonly challenge: Challenge }
}>
export const { SignedIn, Challenged } = Data.taggedEnum<SignIn>()

export class AuthenticatorError extends Schema.TaggedError<AuthenticatorError>()("AuthenticatorError", {
  /**
   * - `invalid-token`: it does not prove who sent it;
   * - `insufficient-scope`: it does, but it lacks the scope or group that is needed here;
   * - `invalid-credentials`: user name and password do not belong together, or there is no such user;
   * - `invalid-input`: the provider does not take a user name or an answer of this form;
   * - `challenge-failed`: a wrong or late answer to a challenge, or a session that is not good for it;
   * - `unknown-challenge`: the provider wants a proof that is not understood here;
   * - `invalid-new-password`: the provider's rules do not allow this new password;
   * - `invalid-refresh-token`: it is unknown, expired or revoked;
   * - `reused-refresh-token`: it was used before and replaced since: one of its two users stole it;
   * - `throttled`: this user has tried too often;
   * - `forbidden`: the identity provider's own rules keep this user out;
   * - `unavailable`: the identity provider or its keys cannot be had now, or not be asked more often;
   * - `misconfigured`: the provider does not accept this service; nothing a user does will help.
   */
  reason: Schema.Literals([
    "invalid-token",
    "insufficient-scope",
    "invalid-credentials",
    "invalid-input",
    "challenge-failed",
    "unknown-challenge",
    "invalid-new-password",
    "invalid-refresh-token",
    "reused-refresh-token",
    "throttled",
    "forbidden",
    "unavailable",
    "misconfigured",
  ]),
  /** For the log; may hold text that an attacker chose, so never for an answer. */
  detail: Schema.String,
  /** After how many seconds another try may do better; absent: that is not known. */
  retryAfterSeconds: Schema.optionalKey(Schema.Int),
}) {
  override get message(): string {
    return `${this.reason}: ${this.detail}`
  }
}

/**
 * Whatever asks the provider, which is all but `verify`, may fail as `invalid-input`, `throttled`, `forbidden`,
 * `unavailable` or `misconfigured`, beside the reasons of its own.
 */
export class Authenticator extends Context.Service<
  Authenticator,
  {
    /**
     * Who the bearer of `token` is. Local: no call leaves the process. Fails as `invalid-token`, as
     * `insufficient-scope`, or as `unavailable` while the keys that would tell are not at hand.
     */
    readonly verify: (token: Redacted.Redacted) => Effect.Effect<Identity, AuthenticatorError>

    /**
     * Trades a user name and password for tokens, or for a challenge. Fails as `invalid-credentials` or
     * `unknown-challenge`. Never retries, because a second try with a wrong password may lock the user out.
     */
    readonly signIn: (credentials: {
      readonly username: string
      readonly password: Redacted.Redacted
    }) => Effect.Effect<SignIn, AuthenticatorError>

    /**
     * Answers a challenge: with a code, with the chosen challenge (`SELECT_MFA_TYPE`), or with a new password
     * (`NEW_PASSWORD_REQUIRED`). Tokens or the next challenge follow. Fails as `challenge-failed`,
     * `unknown-challenge` or `invalid-new-password`.
     */
    readonly answerChallenge: (
      challenge: ChallengeKey,
      answer: Redacted.Redacted,
    ) => Effect.Effect<SignIn, AuthenticatorError>

    /** New tokens for a refresh token. Fails as `invalid-refresh-token` or `reused-refresh-token`. */
    readonly refresh: (refreshToken: Redacted.Redacted) => Effect.Effect<Tokens, AuthenticatorError>

    /**
     * Ends what a refresh token can do; one that is unknown or ended already is no failure. Tokens that are verified
     * locally stay valid until they expire, but for `token`, where the caller showed it, and others of its sign-in:
     * this process takes them no more. That one is not good is no failure either.
     */
    readonly revoke: (
      refreshToken: Redacted.Redacted,
      token: Redacted.Redacted | null,
    ) => Effect.Effect<void, AuthenticatorError>
  }
>()("@btc-price/domain/access/Authenticator") {}
