/** What a failed call of Cognito means. Source: the error lists of its API reference, call by call. */
import { AuthenticatorError } from "@btc-price/domain/Authenticator"
import * as Predicate from "effect/Predicate"

type Reason = AuthenticatorError["reason"]

/**
 * `refusal` is what the call's own refusal means: of a password, of a challenge's answer or of a refresh token.
 * Nothing is kept as the cause, because the client's errors hold the whole answer; nor any text that repeats one of
 * `secrets`, or that may, as a SyntaxError does, which quotes the answer that it could not read.
 */
export const toAuthenticatorError = (
  error: unknown,
  refusal: Reason,
  secrets: ReadonlyArray<string>,
): AuthenticatorError => {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  const isClean = name !== "SyntaxError" && !secrets.some((secret) => message.includes(secret))
  return new AuthenticatorError({
    reason: reasonOf(name, message, error, refusal),
    detail: isClean ? `${name}: ${message.slice(0, messageLengthLimit)}` : name,
  })
}

/** The longest text of Cognito's that is kept, in characters. */
const messageLengthLimit = 200

/**
 * Cognito's refusals are all HTTP 400, so their name tells them apart, and for two of them only the text. The client
 * gives unknown ones as its base class under their own name.
 */
const reasonOf = (name: string, message: string, error: unknown, refusal: Reason): Reason => {
  const known = reasons.get(name)
  if (known !== undefined) return known
  switch (name) {
    // A wrong password, a locked or disabled user, a session or token that is not good; or our own wrong secret.
    case "NotAuthorizedException":
      return /secret/i.test(message) ? "misconfigured" : refusal
    // What the user typed cannot be; or a flow that is not allowed on the client.
    case "InvalidParameterException":
      return /client/i.test(message) ? "misconfigured" : "invalid-input"
    case "UserNotFoundException":
    case "UserNotConfirmedException":
    case "PasswordResetRequiredException":
      return refusal
    default:
      return isPassing(error) ? "unavailable" : "misconfigured"
  }
}

const reasons: ReadonlyMap<string, Reason> = new Map([
  ["CodeMismatchException", "challenge-failed"],
  ["ExpiredCodeException", "challenge-failed"],
  // The code with which an authenticator app is set up was wrong.
  ["EnableSoftwareTokenMFAException", "challenge-failed"],
  ["InvalidPasswordException", "invalid-new-password"],
  ["PasswordHistoryPolicyViolationException", "invalid-new-password"],
  ["RefreshTokenReuseException", "reused-refresh-token"],
  // What was to be revoked is no refresh token, or another client's.
  ["UnsupportedTokenTypeException", "invalid-refresh-token"],
  ["UnauthorizedException", "invalid-refresh-token"],
  ["LimitExceededException", "throttled"],
  ["TooManyFailedAttemptsException", "throttled"],
  ["ForbiddenException", "forbidden"],
  ["UserLambdaValidationException", "forbidden"],
  // The quota of our account, Cognito's own fault, silence, or an answer that is not JSON, such as a page of HTML.
  ["TooManyRequestsException", "unavailable"],
  ["InternalErrorException", "unavailable"],
  ["TimeoutError", "unavailable"],
  ["SyntaxError", "unavailable"],
])

/** Whether the network failed, as Node's `code` says, or the answer was a 5xx without a known name. */
const isPassing = (error: unknown): boolean =>
  Predicate.hasProperty(error, "code") ||
  (Predicate.hasProperty(error, "$metadata") &&
    Predicate.hasProperty(error.$metadata, "httpStatusCode") &&
    Number(error.$metadata.httpStatusCode) >= 500)
