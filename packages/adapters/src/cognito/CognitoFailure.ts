/** What a failed call of Cognito means. Source: the error lists of its API reference, call by call. */
import { type CommonReason, IdentityProviderError } from "@btc-price/domain/access/IdentityProvider"
import * as Predicate from "effect/Predicate"
import { wrongClientSecret } from "./CognitoClientSecrets.ts"

/** What the exceptions of one call mean, besides those that mean the same in every call. */
export interface Exceptions<Reason> {
  /**
   * Every other exception: the user, or what the user sent, is not accepted. That is a wrong password, a locked or
   * disabled user, or a session or token that is not valid. Cognito also throws exceptions that its reference does not
   * list. They are refusals too, so that nobody can tell them from a wrong password or guess without being counted.
   * If absent, this service is at fault.
   */
  readonly refused?: Reason
  /** By their name. */
  readonly named?: Readonly<Record<string, Reason>>
}

/**
 * Reads an error of the SDK's client. The cause is not kept, because the client's errors contain the whole response.
 * Nor is any text that repeats one of `secrets`, or that may, as a SyntaxError does, which quotes the response that it
 * could not parse.
 */
export const toError = <Reason extends IdentityProviderError["reason"]>(
  error: unknown,
  { refused, named = {} }: Exceptions<Reason>,
  secrets: ReadonlyArray<string>,
): IdentityProviderError<Reason> | IdentityProviderError<CommonReason> => {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  if (isAboutClientSecret(name, message)) return wrongClientSecret
  const isClean = name !== "SyntaxError" && !secrets.some((secret) => message.includes(secret))
  const detail = isClean ? `${name}: ${message.slice(0, messageLengthLimit)}` : name
  const reason = Object.hasOwn(named, name) ? named[name] : undefined
  if (reason !== undefined) return new IdentityProviderError({ reason, detail })
  const common = commonReason(name, message, error)
  return common === undefined && refused !== undefined
    ? new IdentityProviderError({ reason: refused, detail })
    : new IdentityProviderError({ reason: common ?? "misconfigured", detail })
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
 * text. The client returns unknown exceptions as its base class under their own name. Undefined: it is a refusal.
 */
const commonReason = (name: string, message: string, error: unknown): CommonReason | undefined => {
  // Either what the user typed is not possible, or the flow is not allowed on the client or in this pool.
  if (name === "InvalidParameterException") {
    return /client|not supported/i.test(message) ? "misconfigured" : "invalid-input"
  }
  const status = statusOf(error)
  return (
    commonReasons.get(name) ??
    (status !== undefined && status >= 400 && status < 500 ? undefined : transientOr(error, status))
  )
}

const commonReasons: ReadonlyMap<string, CommonReason> = new Map<string, CommonReason>([
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
  // The pool, its client, its Lambda functions or its messages are not set up as this service needs them.
  ...[
    "AccessDeniedException",
    "FeatureUnavailableInTierException",
    "InvalidEmailRoleAccessPolicyException",
    "InvalidLambdaResponseException",
    "InvalidSmsRoleAccessPolicyException",
    "InvalidSmsRoleTrustRelationshipException",
    "InvalidUserPoolConfigurationException",
    "ResourceNotFoundException",
    "UnexpectedLambdaException",
    "UnsupportedOperationException",
    "UserPoolAddOnNotEnabledException",
  ].map((name) => [name, "misconfigured"] as const),
])

const statusOf = (error: unknown): number | undefined =>
  Predicate.hasProperty(error, "$metadata") && Predicate.hasProperty(error.$metadata, "httpStatusCode")
    ? Number(error.$metadata.httpStatusCode)
    : undefined

/** Whether the network failed, as Node's `code` says, or the response was a 5xx without a known name. */
const transientOr = (error: unknown, status = 0): CommonReason =>
  Predicate.hasProperty(error, "code") || status >= 500 ? "unavailable" : "misconfigured"
