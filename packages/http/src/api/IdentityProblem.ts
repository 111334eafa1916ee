/** The problems of authorization and sign-in. */
import { ChallengeName } from "@btc-price/domain/access/IdentityProvider"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as Schema from "effect/Schema"
import { type } from "./Problem.ts"
import { Time } from "./ResponseFields.ts"

export class MissingToken extends HttpApiError.Problem<MissingToken>()("MissingToken", {
  type: type("missing-token"),
  status: 401,
  title: "A Bearer token is required",
}) {}

export class InvalidToken extends HttpApiError.Problem<InvalidToken>()("InvalidToken", {
  type: type("invalid-token"),
  status: 401,
  title: "The token is invalid or no longer valid",
}) {}

export class InsufficientScope extends HttpApiError.Problem<InsufficientScope>()("InsufficientScope", {
  type: type("insufficient-scope"),
  status: 403,
  title: "The token is valid, but has neither the required scope nor the required group",
}) {}

export class InvalidCredentials extends HttpApiError.Problem<InvalidCredentials>()("InvalidCredentials", {
  type: type("invalid-credentials"),
  status: 401,
  title: "The user name or password is incorrect",
}) {}

export class ChallengeFailed extends HttpApiError.Problem<ChallengeFailed>()("ChallengeFailed", {
  type: type("challenge-failed"),
  status: 401,
  title: "The answer is wrong, or the session is invalid or expired; sign in again",
}) {}

export class InvalidRefreshToken extends HttpApiError.Problem<InvalidRefreshToken>()("InvalidRefreshToken", {
  type: type("invalid-refresh-token"),
  status: 401,
  title: "The refresh token is invalid or no longer valid; sign in again",
}) {}

export class LoginFailed extends HttpApiError.Problem<LoginFailed>()("LoginFailed", {
  type: type("login-failed"),
  status: 401,
  title:
    "This login was not started in this browser, has expired or is already complete; start again with GET /login",
}) {}

export class ChallengeRequired extends HttpApiError.Problem<ChallengeRequired>()(
  "ChallengeRequired",
  {
    type: type("challenge-required"),
    status: 403,
    title: "The identity provider requires a challenge to be answered",
  },
  {
    challenge: ChallengeName,
    /** Must be sent with the answer and the same user name; valid for one answer. */
    session: Schema.String,
    /** When the session expires. */
    expires_at: Time,
    /** For `SMS_MFA` and `EMAIL_OTP`: where the code was sent, masked. */
    destination: Schema.optionalKey(Schema.String),
    /** For `SELECT_MFA_TYPE`: the challenges to choose from; the answer is one of them. */
    choices: Schema.optionalKey(Schema.Array(Schema.String)),
    /** For `MFA_SETUP`: the secret for the authenticator app, in base 32; the answer is the app's first code. */
    secret: Schema.optionalKey(Schema.String),
  },
) {}

export class UnknownChallenge extends HttpApiError.Problem<UnknownChallenge>()("UnknownChallenge", {
  type: type("unknown-challenge"),
  status: 403,
  title: "The identity provider requires a challenge that is not supported here",
}) {}

export class SignInForbidden extends HttpApiError.Problem<SignInForbidden>()("SignInForbidden", {
  type: type("sign-in-forbidden"),
  status: 403,
  title: "The identity provider does not allow this user to sign in",
}) {}

export class LoginRefused extends HttpApiError.Problem<LoginRefused>()("LoginRefused", {
  type: type("login-refused"),
  status: 403,
  title: "The identity provider did not complete the login; start again with GET /login",
}) {}

export class LoginNotConfigured extends HttpApiError.Problem<LoginNotConfigured>()("LoginNotConfigured", {
  type: type("login-not-configured"),
  status: 404,
  title: "Managed login is not configured",
}) {}

export class PasswordLoginOff extends HttpApiError.Problem<PasswordLoginOff>()("PasswordLoginOff", {
  type: type("password-login-off"),
  status: 404,
  title: "Signing in with a password is disabled",
}) {}

export class InvalidNewPassword extends HttpApiError.Problem<InvalidNewPassword>()("InvalidNewPassword", {
  type: type("invalid-new-password"),
  status: 422,
  title: "The password policy does not allow this password; sign in again and choose another",
}) {}

export class TooManyAttempts extends HttpApiError.Problem<TooManyAttempts>()("TooManyAttempts", {
  type: type("too-many-attempts"),
  status: 429,
  title: "Too many sign-in attempts; try again later",
}) {}

export class IdentityUnavailable extends HttpApiError.Problem<IdentityUnavailable>()("IdentityUnavailable", {
  type: type("identity-unavailable"),
  status: 503,
  title: "The identity provider is unavailable",
}) {}
