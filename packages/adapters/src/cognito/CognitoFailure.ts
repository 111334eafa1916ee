/** What a failed call of Cognito means. Source: the error lists of its API reference, call by call. */
import { type CommonReason, IdentityProviderError } from "@btc-price/domain/access/IdentityProvider"
import * as Predicate from "effect/Predicate"
import { wrongClientSecret } from "./CognitoClientSecrets.ts"

/** The exceptions that have a specific meaning in one call, by their name. */
export type Exceptions<Reason> = Readonly<Record<string, Reason>>

/** Where an exception says that the user, or what the user sent, is not accepted. */
export const notAccepted = <const Reason>(reason: Reason) => ({
  // A wrong password, a locked or disabled user, or a session or token that is not valid.
  NotAuthorizedException: reason,
  UserNotFoundException: reason,
  UserNotConfirmedException: reason,
  PasswordResetRequiredException: reason,
})

/**
 * Reads an error of the SDK's client. The cause is not kept, because the client's errors contain the whole response.
 * Nor is any text that repeats one of `secrets`, or that may, as a SyntaxError does, which quotes the response that it
 * could not parse.
 */
export const toError = <Reason extends IdentityProviderError["reason"]>(
  error: unknown,
  exceptions: Exceptions<Reason>,
  secrets: ReadonlyArray<string>,
): IdentityProviderError<Reason> | IdentityProviderError<CommonReason> => {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  if (isAboutClientSecret(name, message)) return wrongClientSecret
  const isClean = name !== "SyntaxError" && !secrets.some((secret) => message.includes(secret))
  const detail = isClean ? `${name}: ${message.slice(0, messageLengthLimit)}` : name
  const reason = Object.hasOwn(exceptions, name) ? exceptions[name] : undefined
  return reason === undefined
    ? new IdentityProviderError({ reason: commonReason(name, message, error), detail })
    : new IdentityProviderError({ reason, detail })
}

/** The longest excerpt of Cognito's text in a detail, in characters. */
export const messageLengthLimit = 200

/**
 * RevokeToken's reference lists no NotAuthorizedException, but an UnauthorizedException, without saying what for. If it
 * means something other than the secret, it still does not say that a token is revoked.
 */
const isAboutClientSecret = (name: string, message: string): boolean =>
  name === "UnauthorizedException" || (name === "NotAuthorizedException" && /secret/i.test(message))

/**
 * Cognito's exceptions all have HTTP status 400, so only their name tells them apart, and for some of them only the
 * text. The client returns unknown exceptions as its base class under their own name.
 */
const commonReason = (name: string, message: string, error: unknown): CommonReason => {
  // Either what the user typed is not possible, or the flow is not allowed on the client or in this pool.
  if (name === "InvalidParameterException") {
    return /client|not supported/i.test(message) ? "misconfigured" : "invalid-input"
  }
  return commonReasons.get(name) ?? (isTransient(error) ? "unavailable" : "misconfigured")
}

const commonReasons: ReadonlyMap<string, CommonReason> = new Map([
  ["LimitExceededException", "throttled"],
  ["TooManyFailedAttemptsException", "throttled"],
  ["ForbiddenException", "forbidden"],
  ["UserLambdaValidationException", "forbidden"],
  // The quota of our account, two simultaneous changes of one user, Cognito's own failure, silence, or a response that
  // is not JSON, such as an HTML page.
  ["TooManyRequestsException", "unavailable"],
  ["ThrottlingException", "unavailable"],
  ["ConcurrentModificationException", "unavailable"],
  ["InternalErrorException", "unavailable"],
  ["TimeoutError", "unavailable"],
  ["SyntaxError", "unavailable"],
])

/** Whether the network failed, as Node's `code` says, or the response was a 5xx without a known name. */
const isTransient = (error: unknown): boolean =>
  Predicate.hasProperty(error, "code") ||
  (Predicate.hasProperty(error, "$metadata") &&
    Predicate.hasProperty(error.$metadata, "httpStatusCode") &&
    Number(error.$metadata.httpStatusCode) >= 500)
