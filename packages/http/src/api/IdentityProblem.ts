/** The problems of authorization and sign-in. */
import { ChallengeName } from "@btc-price/domain/access/IdentityProvider"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as Schema from "effect/Schema"
import { Time } from "./ResponseFields.ts"
import { type } from "./Problem.ts"

export class MissingToken extends HttpApiError.Problem<MissingToken>()("MissingToken", {
  type: type("missing-token"),
  status: 401,
  title: "A Bearer token is needed",
}) {}

export class InvalidToken extends HttpApiError.Problem<InvalidToken>()("InvalidToken", {
  type: type("invalid-token"),
  status: 401,
  title: "The token is not valid, or not any more",
}) {}

export class InsufficientScope extends HttpApiError.Problem<InsufficientScope>()("InsufficientScope", {
  type: type("insufficient-scope"),
  status: 403,
  title: "The token is valid, but has neither the scope nor the group that is needed here",
}) {}

export class InvalidCredentials extends HttpApiError.Problem<InvalidCredentials>()("InvalidCredentials", {
  type: type("invalid-credentials"),
  status: 401,
  title: "The user name and password do not belong together",
}) {}

export class ChallengeFailed extends HttpApiError.Problem<ChallengeFailed>()("ChallengeFailed", {
  type: type("challenge-failed"),
  status: 401,
  title: "The answer is wrong, or the session is not good for it, or not any more; sign in anew",
}) {}

export class InvalidRefreshToken extends HttpApiError.Problem<InvalidRefreshToken>()("InvalidRefreshToken", {
  type: type("invalid-refresh-token"),
  status: 401,
  title: "The refresh token is not valid, or not any more; sign in anew",
}) {}

export class LoginFailed extends HttpApiError.Problem<LoginFailed>()("LoginFailed", {
  type: type("login-failed"),
  status: 401,
  title: "This login was not begun in this browser, is too old or is over; GET /login begins anew",
}) {}

export class ChallengeRequired extends HttpApiError.Problem<ChallengeRequired>()(
  "ChallengeRequired",
  { type: type("challenge-required"), status: 403, title: "The identity provider wants another proof" },
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
  title: "The identity provider wants a proof that cannot be given here",
}) {}

export class SignInForbidden extends HttpApiError.Problem<SignInForbidden>()("SignInForbidden", {
  type: type("sign-in-forbidden"),
  status: 403,
  title: "The identity provider does not let this user in",
}) {}

export class LoginRefused extends HttpApiError.Problem<LoginRefused>()("LoginRefused", {
  type: type("login-refused"),
  status: 403,
  title: "The identity provider ended the login without success; GET /login begins anew",
}) {}

export class LoginNotConfigured extends HttpApiError.Problem<LoginNotConfigured>()("LoginNotConfigured", {
  type: type("login-not-configured"),
  status: 404,
  title: "Managed login is not configured here",
}) {}

export class PasswordLoginOff extends HttpApiError.Problem<PasswordLoginOff>()("PasswordLoginOff", {
  type: type("password-login-off"),
  status: 404,
  title: "Nobody signs in with a password here",
}) {}

export class InvalidNewPassword extends HttpApiError.Problem<InvalidNewPassword>()("InvalidNewPassword", {
  type: type("invalid-new-password"),
  status: 422,
  title: "The rules for passwords do not allow this one; sign in anew and choose another",
}) {}

export class TooManyAttempts extends HttpApiError.Problem<TooManyAttempts>()("TooManyAttempts", {
  type: type("too-many-attempts"),
  status: 429,
  title: "Too many attempts to sign in; try again later",
}) {}

export class IdentityUnavailable extends HttpApiError.Problem<IdentityUnavailable>()("IdentityUnavailable", {
  type: type("identity-unavailable"),
  status: 503,
  title: "The identity provider cannot be asked now",
}) {}
