/** Port: how a user gets tokens with a password, renews them and gives them up. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

export interface Tokens {
  readonly idToken: Redacted.Redacted
  readonly accessToken: Redacted.Redacted
  /** Null when the refresh token that was used stays valid. */
  readonly refreshToken: Redacted.Redacted | null
  /** The lifetime of the token that the Authenticator accepts. */
  readonly expiresIn: Duration.Duration
}

/** The challenges that are supported. The names are Cognito's. */
export const ChallengeName = Schema.Literals([
  "SOFTWARE_TOKEN_MFA",
  "SMS_MFA",
  "EMAIL_OTP",
  "SELECT_MFA_TYPE",
  "NEW_PASSWORD_REQUIRED",
  "MFA_SETUP",
])
export type ChallengeName = typeof ChallengeName.Type

/** What the caller returns with the answer to a challenge. */
export interface ChallengeKey {
  readonly name: ChallengeName
  /** The user's name at the provider, which may differ from what the user typed. */
  readonly username: string
  /** The provider's state of this sign-in; valid for one answer. */
  readonly session: Redacted.Redacted
}

/** A further proof that the provider asks for. */
export interface Challenge extends ChallengeKey {
  /** For `SMS_MFA` and `EMAIL_OTP`: where the code was sent, masked by the provider. */
  readonly destination?: string
  /** For `SELECT_MFA_TYPE`: the challenges to choose from. */
  readonly choices?: ReadonlyArray<string>
  /** For `MFA_SETUP`: the secret for the authenticator app, in base 32. */
  readonly secret?: Redacted.Redacted
}

/** The result of one step of a sign-in. */
export type SignIn = Data.TaggedEnum<{
  readonly SignedIn: { readonly tokens: Tokens }
  readonly Challenged: { readonly challenge: Challenge }
}>
export const { SignedIn, Challenged } = Data.taggedEnum<SignIn>()

/**
 * Every operation can fail for these reasons:
 *
 * - `invalid-input`: the provider does not accept a user name or an answer of this form;
 * - `throttled`: this user has tried too often;
 * - `forbidden`: the provider's own rules keep this user out;
 * - `unavailable`: the provider cannot be reached now, or may not be called more often;
 * - `misconfigured`: the provider does not accept this service; nothing that a user does will help.
 */
export type CommonReason = "invalid-input" | "throttled" | "forbidden" | "unavailable" | "misconfigured"

/**
 * - `invalid-credentials`: the user name or the password is wrong;
 * - `unknown-challenge`: the provider asks for a proof that is not supported here.
 */
export type SignInReason = CommonReason | "invalid-credentials" | "unknown-challenge"

/**
 * - `challenge-failed`: the answer is wrong or late, or the session does not belong to the challenge;
 * - `unknown-challenge`: the provider asks for a further proof that is not supported here;
 * - `invalid-new-password`: the provider's rules do not allow this new password.
 */
export type AnswerReason = CommonReason | "challenge-failed" | "unknown-challenge" | "invalid-new-password"

/**
 * - `invalid-refresh-token`: the token is unknown, expired or revoked;
 * - `reused-refresh-token`: the token was used before and has been replaced, so two parties hold it: one of them stole it.
 */
export type RefreshReason = CommonReason | "invalid-refresh-token" | "reused-refresh-token"

/** `Reason` narrows the error to the reasons that one operation can fail with. */
export class IdentityProviderError<
  out Reason extends SignInReason | AnswerReason | RefreshReason =
    | SignInReason
    | AnswerReason
    | RefreshReason,
> extends Data.TaggedError("IdentityProviderError")<{
  readonly reason: Reason
  /** For the log. It may contain text that an attacker chose, so it never goes into a response. */
  readonly detail: string
  /** After how many seconds to try again; absent when that is not known. */
  readonly retryAfterSeconds?: number
  /** For `unknown-challenge`: the attributes that the user must set before the sign-in can go on. */
  readonly requiredAttributes?: ReadonlyArray<string>
}> {
  override get message(): string {
    return `${this.reason}: ${this.detail}`
  }
}

export class IdentityProvider extends Context.Service<
  IdentityProvider,
  {
    /**
     * Trades a user name and password for tokens, or for a challenge. Fails with a {@link SignInReason}. Never retries,
     * because a second attempt with a wrong password may lock the user out.
     */
    readonly signIn: (credentials: {
      readonly username: string
      readonly password: Redacted.Redacted
    }) => Effect.Effect<SignIn, IdentityProviderError<SignInReason>>

    /**
     * Answers a challenge: with a code, with the chosen challenge (`SELECT_MFA_TYPE`), or with a new password
     * (`NEW_PASSWORD_REQUIRED`). Tokens or the next challenge follow. Fails with an {@link AnswerReason}.
     */
    readonly answerChallenge: (
      challenge: ChallengeKey,
      answer: Redacted.Redacted,
    ) => Effect.Effect<SignIn, IdentityProviderError<AnswerReason>>

    /** Trades a refresh token for new tokens. Fails with a {@link RefreshReason}. */
    readonly refresh: (
      refreshToken: Redacted.Redacted,
    ) => Effect.Effect<Tokens, IdentityProviderError<RefreshReason>>

    /**
     * Revokes a refresh token; a token that is unknown or already revoked is not an error. ID and access tokens are
     * verified locally and stay valid until they expire, unless the Authenticator denies them. Fails with a
     * {@link CommonReason}.
     */
    readonly revoke: (
      refreshToken: Redacted.Redacted,
    ) => Effect.Effect<void, IdentityProviderError<CommonReason>>
  }
>()("@btc-price/domain/access/IdentityProvider") {}
