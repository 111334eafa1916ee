/** Amazon Cognito as the Authenticator. Source of the rules: the API reference of InitiateAuth. */
import { Authenticator, AuthenticatorError, type Tokens } from "@btc-price/domain/Authenticator"
import { CognitoJwtVerifier } from "aws-jwt-verify/cognito-verifier"
import { decomposeUnverifiedJwt } from "aws-jwt-verify/jwt"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHmac } from "node:crypto"
import * as TokenVerifier from "./TokenVerifier.ts"

export interface Options extends TokenVerifier.Audience {
  readonly region: string
  /** Of a confidential app client. Without one, anybody who knows the client id can go around our limits. */
  readonly clientSecret?: Redacted.Redacted | undefined
  /** For emulators; AWS's unless given. */
  readonly endpoint?: URL | string | undefined
  /** For emulators; AWS's unless given. */
  readonly jwksUrl?: URL | string | undefined
}

/**
 * Verifies tokens on this machine, by keys that are fetched in the background. Signs in with the flow
 * USER_PASSWORD_AUTH, which must be allowed on the app client, by one call of at most three seconds,
 * without AWS credentials.
 */
export const layer = (options: Options): Layer.Layer<Authenticator, never, HttpClient.HttpClient> =>
  Layer.effect(
    Authenticator,
    Effect.gen(function* () {
      const { userPoolId, jwksUrl = CognitoJwtVerifier.parseUserPoolId(userPoolId).jwksUri } = options
      const verify = yield* TokenVerifier.fromUrl(options, String(jwksUrl))
      const initiateAuth = yield* makeInitiateAuth(options)

      return Authenticator.of({
        verify,
        signIn: Effect.fn("Authenticator.signIn")(function* (credentials) {
          const { ChallengeName: challenge, AuthenticationResult: result } = yield* initiateAuth(credentials)
          if (challenge !== undefined) {
            return yield* new AuthenticatorError({
              reason: "challenge-required",
              detail: "Cognito wants another proof",
              challenge,
            })
          }
          const tokens = tokensOf(result?.IdToken ?? "")
          if (Option.isNone(tokens)) {
            return yield* new AuthenticatorError({
              reason: "unavailable",
              detail: "Cognito's answer has neither a challenge nor an ID token",
            })
          }
          return tokens.value
        }),
      })
    }),
  )

/**
 * The longest that a call may take in all, in seconds; the client's own limits end with the answer's first
 * byte.
 */
const callLimitSeconds = 3

const makeInitiateAuth = Effect.fnUntraced(function* (options: Options) {
  const { region, clientId, clientSecret, endpoint = `https://cognito-idp.${region}.amazonaws.com` } = options
  // Imported only now, because it takes 0.1 s and 25 MB, which a program without Cognito need not spend.
  const { CognitoIdentityProviderClient, InitiateAuthCommand } = yield* Effect.promise(
    () => import("@aws-sdk/client-cognito-identity-provider"),
  )
  const client = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new CognitoIdentityProviderClient({
          region,
          endpoint: String(endpoint),
          // A time-out that is tried again can use up two of the user's five attempts.
          maxAttempts: 1,
          requestHandler: { connectionTimeout: 1_000, requestTimeout: 1_500, throwOnRequestTimeout: true },
          // With all of these said, the client does not look for them in files, in the environment or on the
          // network, so nothing but our own settings decides where a password goes.
          credentials: () => Promise.reject(new Error("InitiateAuth is not signed")),
          retryMode: "standard",
          authSchemePreference: [],
          userAgentAppId: "btc-price",
        }),
    ),
    (client) => Effect.sync(() => client.destroy()),
  )

  return ({ username, password }: Parameters<Authenticator["Service"]["signIn"]>[0]) => {
    const secrets = { PASSWORD: Redacted.value(password), ...secretHash(username, clientId, clientSecret) }
    const command = new InitiateAuthCommand({
      AuthFlow: "USER_PASSWORD_AUTH",
      ClientId: clientId,
      AuthParameters: { USERNAME: username, ...secrets },
    })
    return Effect.tryPromise({
      try: (abortSignal) => client.send(command, { abortSignal }),
      catch: (error) => toAuthenticatorError(error, Object.values(secrets)),
    }).pipe(
      Effect.timeoutOrElse({
        duration: Duration.seconds(callLimitSeconds),
        orElse: () =>
          Effect.fail(
            new AuthenticatorError({
              reason: "unavailable",
              detail: `Cognito did not answer within ${callLimitSeconds} seconds`,
            }),
          ),
      }),
    )
  }
})

const secretHash = (username: string, clientId: string, clientSecret: Redacted.Redacted | undefined) =>
  clientSecret === undefined
    ? {}
    : {
        SECRET_HASH: createHmac("sha256", Redacted.value(clientSecret))
          .update(username + clientId)
          .digest("base64"),
      }

/**
 * Nothing is kept as the cause, because the client's errors hold the whole answer; nor any text that repeats what
 * was sent, as a SyntaxError may in part, which quotes the answer that it could not read.
 */
const toAuthenticatorError = (error: unknown, secrets: ReadonlyArray<string>): AuthenticatorError => {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  const isClean = name !== "SyntaxError" && !secrets.some((secret) => message.includes(secret))
  return new AuthenticatorError({
    reason: reasonOf(name, message, error),
    detail: isClean ? `${name}: ${message.slice(0, messageLengthLimit)}` : name,
  })
}

/** The longest text of Cognito's that is kept, in characters. */
const messageLengthLimit = 200

/** Cognito's refusals are all HTTP 400, so their name tells them apart, and for two of them only the text. */
const reasonOf = (name: string, message: string, error: unknown): AuthenticatorError["reason"] => {
  switch (name) {
    // A wrong password, a locked or disabled user, or our own wrong secret.
    case "NotAuthorizedException":
      return /secret[ _]?hash/i.test(message) ? "misconfigured" : "invalid-credentials"
    // A user name that cannot be, or a flow that is not allowed on the client.
    case "InvalidParameterException":
      return /client/i.test(message) ? "misconfigured" : "invalid-credentials"
    case "UserNotFoundException":
    case "UserNotConfirmedException":
    case "PasswordResetRequiredException":
      return "invalid-credentials"
    case "LimitExceededException":
    case "TooManyFailedAttemptsException":
      return "throttled"
    case "ForbiddenException":
    case "UserLambdaValidationException":
      return "forbidden"
    // The quota of our account, its own fault, silence, or an answer that is not JSON, such as a page of HTML.
    case "TooManyRequestsException":
    case "InternalErrorException":
    case "TimeoutError":
    case "SyntaxError":
      return "unavailable"
    default:
      return isPassing(error) ? "unavailable" : "misconfigured"
  }
}

/** Whether the network failed, as Node's `code` says, or the answer was a 5xx without a known name. */
const isPassing = (error: unknown): boolean =>
  Predicate.hasProperty(error, "code") ||
  (Predicate.hasProperty(error, "$metadata") &&
    Predicate.hasProperty(error.$metadata, "httpStatusCode") &&
    Number(error.$metadata.httpStatusCode) >= 500)

const decodeLife = Schema.decodeUnknownOption(Schema.Struct({ iat: Schema.Finite, exp: Schema.Finite }))

/** `ExpiresIn` in Cognito's answer is the access token's; the ID token's life is set apart and told by itself. */
const tokensOf = (idToken: string): Option.Option<Tokens> =>
  Option.liftThrowable(decomposeUnverifiedJwt)(idToken).pipe(
    Option.flatMap(({ payload }) => decodeLife(payload)),
    Option.map(({ iat, exp }) => ({
      idToken: Redacted.make(idToken),
      expiresIn: Duration.seconds(exp - iat),
    })),
  )
