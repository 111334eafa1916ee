/** The calls of Cognito's API that a sign-in needs. All are unauthenticated: no AWS credentials are needed. */
import type {
  AssociateSoftwareTokenCommandOutput,
  InitiateAuthCommandOutput,
  RespondToAuthChallengeCommandOutput,
  VerifySoftwareTokenCommandOutput,
} from "@aws-sdk/client-cognito-identity-provider"
import { type CommonReason, IdentityProviderError } from "@btc-price/domain/access/IdentityProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHmac } from "node:crypto"
import * as CognitoClientSecrets from "./CognitoClientSecrets.ts"
import * as CognitoFailure from "./CognitoFailure.ts"
import * as CognitoRegion from "./CognitoRegion.ts"

export interface Options {
  readonly region: string
  readonly clientId: string
  /**
   * The secrets of a confidential app client; two while one replaces the other. Without a secret, anybody who knows the
   * client id can bypass our limits.
   */
  readonly clientSecrets: ReadonlyArray<Redacted.Redacted>
  /** For emulators; AWS's endpoint by default. */
  readonly endpoint?: URL | string | undefined
}

/** `Reason`: the reasons that this call can fail with, besides the common reasons. */
type Call<A, Reason extends IdentityProviderError["reason"]> = Effect.Effect<
  A,
  IdentityProviderError<Reason> | IdentityProviderError<CommonReason>
>

/** Each call takes at most three seconds, and is repeated only when a client secret was replaced. */
export interface CognitoClient {
  readonly initiateAuth: (
    username: string,
    password: Redacted.Redacted,
  ) => Call<InitiateAuthCommandOutput, "invalid-credentials">
  readonly respondToAuthChallenge: (answer: {
    readonly name: NonNullable<InitiateAuthCommandOutput["ChallengeName"]>
    readonly username: string
    readonly session: string
    /** The parameters that the challenge asks for besides the user name. */
    readonly responses: Readonly<Record<string, string>>
  }) => Call<RespondToAuthChallengeCommandOutput, "challenge-failed" | "invalid-new-password">
  readonly associateSoftwareToken: (
    session: string,
  ) => Call<AssociateSoftwareTokenCommandOutput, "unavailable">
  readonly verifySoftwareToken: (
    session: string,
    code: string,
  ) => Call<VerifySoftwareTokenCommandOutput, "challenge-failed">
  readonly getTokensFromRefreshToken: (
    refreshToken: string,
  ) => Call<
    Pick<InitiateAuthCommandOutput, "AuthenticationResult">,
    "invalid-refresh-token" | "reused-refresh-token"
  >
  readonly revokeToken: (refreshToken: string) => Call<unknown, "invalid-refresh-token">
}

const signInExceptions = { refused: "invalid-credentials" } as const

const answerExceptions = {
  refused: "challenge-failed",
  named: {
    InvalidPasswordException: "invalid-new-password",
    PasswordHistoryPolicyViolationException: "invalid-new-password",
  },
} as const

const setUpExceptions = { refused: "challenge-failed" } as const

// The session is the one that Cognito issued a moment ago, so its refusal is not caused by the user.
const newSecretExceptions = { refused: "unavailable" } as const

const refreshExceptions = {
  refused: "invalid-refresh-token",
  named: { RefreshTokenReuseException: "reused-refresh-token" },
} as const

const revokeExceptions = {
  // Unless Cognito says that the token is not valid, it may still be, so nothing else counts as refused.
  named: {
    NotAuthorizedException: "invalid-refresh-token",
    UserNotFoundException: "invalid-refresh-token",
    UserNotConfirmedException: "invalid-refresh-token",
    PasswordResetRequiredException: "invalid-refresh-token",
    // The token is not a refresh token.
    UnsupportedTokenTypeException: "invalid-refresh-token",
  },
} as const

/** How long a whole call may take, in seconds. The client's own limits end with the response's first byte. */
const callLimitSeconds = 3

/**
 * Cognito's quota of 120 sign-ins per second, times the seconds that each may take. With fewer sockets, calls would
 * queue here while Cognito is slow, and fail although it responds.
 */
const socketLimit = 120 * callLimitSeconds

export const make = Effect.fnUntraced(function* (options: Options) {
  const { clientId } = options
  const { client, sdk } = yield* makeSdkClient(options)

  const withSecret = <A, E>(make: (clientSecret: string | undefined) => Effect.Effect<A, E>) =>
    CognitoClientSecrets.withEach(options.clientSecrets, make)

  const withHash = <A, E>(username: string, make: (hash: Record<string, string>) => Effect.Effect<A, E>) =>
    withSecret((secret) =>
      make(secret === undefined ? {} : { SECRET_HASH: secretHash(username, clientId, secret) }),
    )

  return {
    initiateAuth: (username, password) =>
      withHash(username, (hash) => {
        const secrets = { PASSWORD: Redacted.value(password), ...hash }
        const command = new sdk.InitiateAuthCommand({
          AuthFlow: "USER_PASSWORD_AUTH",
          ClientId: clientId,
          AuthParameters: { USERNAME: username, ...secrets },
        })
        return call(signInExceptions, Object.values(secrets), (abort) => client.send(command, abort))
      }),

    respondToAuthChallenge: ({ name, username, session, responses }) =>
      withHash(username, (hash) => {
        const secrets = { ...responses, ...hash }
        const command = new sdk.RespondToAuthChallengeCommand({
          ChallengeName: name,
          ClientId: clientId,
          Session: session,
          ChallengeResponses: { USERNAME: username, ...secrets },
        })
        return call(answerExceptions, [session, ...Object.values(secrets)], (abort) =>
          client.send(command, abort),
        )
      }),

    associateSoftwareToken: (session) =>
      call(newSecretExceptions, [session], (abort) =>
        client.send(new sdk.AssociateSoftwareTokenCommand({ Session: session }), abort),
      ),

    verifySoftwareToken: (session, code) =>
      call(setUpExceptions, [session, code], (abort) =>
        client.send(new sdk.VerifySoftwareTokenCommand({ Session: session, UserCode: code }), abort),
      ),

    getTokensFromRefreshToken: (refreshToken) =>
      withSecret((ClientSecret) => {
        const command = new sdk.GetTokensFromRefreshTokenCommand({
          ClientId: clientId,
          ClientSecret,
          RefreshToken: refreshToken,
        })
        return call(refreshExceptions, [refreshToken], (abort) => client.send(command, abort))
      }),

    revokeToken: (refreshToken) =>
      withSecret((ClientSecret) => {
        const command = new sdk.RevokeTokenCommand({ ClientId: clientId, ClientSecret, Token: refreshToken })
        return call(revokeExceptions, [refreshToken], (abort) => client.send(command, abort))
      }),
  } satisfies CognitoClient
})

const call = <A, Reason extends IdentityProviderError["reason"]>(
  exceptions: CognitoFailure.Exceptions<Reason>,
  secrets: ReadonlyArray<string>,
  send: (abort: { readonly abortSignal: AbortSignal }) => Promise<A>,
): Call<A, Reason> =>
  Effect.tryPromise({
    try: (abortSignal) => send({ abortSignal }),
    catch: (error) => CognitoFailure.toError(error, exceptions, secrets),
  }).pipe(
    Effect.timeoutOrElse({
      duration: Duration.seconds(callLimitSeconds),
      orElse: () => Effect.fail(noResponse),
    }),
  )

const makeSdkClient = Effect.fnUntraced(function* ({ region, endpoint }: Options) {
  // Imported only here, because it takes 0.1 s and 25 MB, which a program without Cognito need not spend.
  const sdk = yield* Effect.promise(() => import("@aws-sdk/client-cognito-identity-provider"))
  const client = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new sdk.CognitoIdentityProviderClient({
          region,
          endpoint: String(endpoint ?? CognitoRegion.endpointOf(region)),
          // A retry after a time-out can use up two of the user's five attempts.
          maxAttempts: 1,
          requestHandler: {
            connectionTimeout: 1_000,
            requestTimeout: 1_500,
            throwOnRequestTimeout: true,
            httpAgent: { maxSockets: socketLimit },
            httpsAgent: { maxSockets: socketLimit },
          },
          // Because all of these are set, the client does not look for them in files, in the environment or on the
          // network, so that only our own settings decide where a password goes.
          credentials: () => Promise.reject(new Error("The sign-in calls are not signed")),
          retryMode: "standard",
          authSchemePreference: [],
          userAgentAppId: "btc-price",
        }),
    ),
    (client) => Effect.sync(() => client.destroy()),
  )
  return { client, sdk }
})

const noResponse = new IdentityProviderError({
  reason: "unavailable",
  detail: `Cognito did not answer within ${callLimitSeconds} seconds`,
})

/** Proves that the caller who names this user knows the client's secret. */
const secretHash = (username: string, clientId: string, clientSecret: string): string =>
  createHmac("sha256", clientSecret)
    .update(username + clientId)
    .digest("base64")
