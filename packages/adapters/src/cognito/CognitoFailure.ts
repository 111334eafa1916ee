/** What a failed call of Cognito means. Source: the error lists of its API reference, call by call. */
import { AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import * as Predicate from "effect/Predicate"
import { wrongClientSecret } from "./CognitoClientSecrets.ts"

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
  if (isOfClientSecret(name, message)) return wrongClientSecret
  const isClean = name !== "SyntaxError" && !secrets.some((secret) => message.includes(secret))
  return new AuthenticatorError({
    reason: reasonOf(name, message, error, refusal),
    detail: isClean ? `${name}: ${message.slice(0, messageLengthLimit)}` : name,
  })
}

/** The longest text of Cognito's that is kept, in characters. */
export const messageLengthLimit = 200

/**
 * RevokeToken's reference lists no NotAuthorizedException, but this other one, without saying for what. Where it means
 * something else than the secret, it is still no answer that a token is revoked.
 */
const isOfClientSecret = (name: string, message: string): boolean =>
  name === "UnauthorizedException" || (name === "NotAuthorizedException" && /secret/i.test(message))

/**
 * Cognito's refusals are all HTTP 400, so their name tells them apart, and for some of them only the text. The client
 * gives unknown ones as its base class under their own name.
 */
const reasonOf = (name: string, message: string, error: unknown, refusal: Reason): Reason => {
  const known = reasons.get(name)
  if (known !== undefined) return known
  switch (name) {
    // What the user typed cannot be; or a flow that is not allowed on the client, or not in this pool.
    case "InvalidParameterException":
      return /client|not supported/i.test(message) ? "misconfigured" : "invalid-input"
    // A wrong password, a locked or disabled user, a session or token that is not good.
    case "NotAuthorizedException":
    case "UserNotFoundException":
    case "UserNotConfirmedException":
    case "PasswordResetRequiredException":
      return refusal
    default:
      return isTransient(error) ? "unavailable" : "misconfigured"
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
  // What was to be revoked is no refresh token.
  ["UnsupportedTokenTypeException", "invalid-refresh-token"],
  ["LimitExceededException", "throttled"],
  ["TooManyFailedAttemptsException", "throttled"],
  ["ForbiddenException", "forbidden"],
  ["UserLambdaValidationException", "forbidden"],
  // The quota of our account, two changes of one user at once, Cognito's own fault, silence, or an answer that is not
  // JSON, such as a page of HTML.
  ["TooManyRequestsException", "unavailable"],
  ["ThrottlingException", "unavailable"],
  ["ConcurrentModificationException", "unavailable"],
  ["InternalErrorException", "unavailable"],
  ["TimeoutError", "unavailable"],
  ["SyntaxError", "unavailable"],
])

/** Whether the network failed, as Node's `code` says, or the answer was a 5xx without a known name. */
const isTransient = (error: unknown): boolean =>
  Predicate.hasProperty(error, "code") ||
  (Predicate.hasProperty(error, "$metadata") &&
    Predicate.hasProperty(error.$metadata, "httpStatusCode") &&
    Number(error.$metadata.httpStatusCode) >= 500)
