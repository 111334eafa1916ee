/** The calls of Cognito's API that signing in takes. All are unauthenticated: no AWS credentials are needed. */
import { AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import type {
  AssociateSoftwareTokenCommandOutput,
  InitiateAuthCommandOutput,
  RespondToAuthChallengeCommandOutput,
  VerifySoftwareTokenCommandOutput,
} from "@aws-sdk/client-cognito-identity-provider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHmac } from "node:crypto"
import * as CognitoClientSecrets from "./CognitoClientSecrets.ts"
import { toAuthenticatorError } from "./CognitoFailure.ts"

export interface Options {
  readonly region: string
  readonly clientId: string
  /**
   * Of a confidential app client; two while one replaces the other. Without one, anybody who knows the client id can
   * go around our limits.
   */
  readonly clientSecrets: ReadonlyArray<Redacted.Redacted>
  /** For emulators; AWS's unless given. */
  readonly endpoint?: URL | string | undefined
}

type Call<A> = Effect.Effect<A, AuthenticatorError>

/** Each call takes at most three seconds and is never made twice for another reason than a replaced client secret. */
export interface CognitoClient {
  readonly initiateAuth: (username: string, password: Redacted.Redacted) => Call<InitiateAuthCommandOutput>
  readonly respondToAuthChallenge: (answer: {
    readonly name: NonNullable<InitiateAuthCommandOutput["ChallengeName"]>
    readonly username: string
    readonly session: string
    /** The parameters that the challenge asks for beside the user name. */
    readonly responses: Readonly<Record<string, string>>
  }) => Call<RespondToAuthChallengeCommandOutput>
  readonly associateSoftwareToken: (session: string) => Call<AssociateSoftwareTokenCommandOutput>
  readonly verifySoftwareToken: (session: string, code: string) => Call<VerifySoftwareTokenCommandOutput>
  readonly getTokensFromRefreshToken: (
    refreshToken: string,
  ) => Call<Pick<InitiateAuthCommandOutput, "AuthenticationResult">>
  readonly revokeToken: (refreshToken: string) => Call<unknown>
}

/**
 * The longest that a call may take in all, in seconds; the client's own limits end with the answer's first byte.
 */
const callLimitSeconds = 3

/**
 * Cognito's quota of 120 sign-ins in a second, for as long as each may take. With fewer, calls would wait here for one
 * another while Cognito is slow, and fail although it answers.
 */
const socketLimit = 120 * callLimitSeconds

export const make = Effect.fnUntraced(function* (options: Options) {
  const { clientId } = options
  const { client, sdk } = yield* makeSdkClient(options)

  const withSecret = <A>(make: (clientSecret: string | undefined) => Call<A>): Call<A> =>
    CognitoClientSecrets.withEach(options.clientSecrets, make)

  const withHash = <A>(username: string, make: (hash: Record<string, string>) => Call<A>): Call<A> =>
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
        return call("invalid-credentials", Object.values(secrets), (abort) => client.send(command, abort))
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
        return call("challenge-failed", [session, ...Object.values(secrets)], (abort) =>
          client.send(command, abort),
        )
      }),

    associateSoftwareToken: (session) =>
      // The session is Cognito's own of a moment ago: nothing that the user did.
      call("unavailable", [session], (abort) =>
        client.send(new sdk.AssociateSoftwareTokenCommand({ Session: session }), abort),
      ),

    verifySoftwareToken: (session, code) =>
      call("challenge-failed", [session, code], (abort) =>
        client.send(new sdk.VerifySoftwareTokenCommand({ Session: session, UserCode: code }), abort),
      ),

    getTokensFromRefreshToken: (refreshToken) =>
      withSecret((ClientSecret) => {
        const command = new sdk.GetTokensFromRefreshTokenCommand({
          ClientId: clientId,
          ClientSecret,
          RefreshToken: refreshToken,
        })
        return call("invalid-refresh-token", [refreshToken], (abort) => client.send(command, abort))
      }),

    revokeToken: (refreshToken) =>
      withSecret((ClientSecret) => {
        const command = new sdk.RevokeTokenCommand({ ClientId: clientId, ClientSecret, Token: refreshToken })
        return call("invalid-refresh-token", [refreshToken], (abort) => client.send(command, abort))
      }),
  } satisfies CognitoClient
})

const call = <A>(
  refusal: AuthenticatorError["reason"],
  secrets: ReadonlyArray<string>,
  send: (abort: { readonly abortSignal: AbortSignal }) => Promise<A>,
): Call<A> =>
  Effect.tryPromise({
    try: (abortSignal) => send({ abortSignal }),
    catch: (error) => toAuthenticatorError(error, refusal, secrets),
  }).pipe(
    Effect.timeoutOrElse({
      duration: Duration.seconds(callLimitSeconds),
      orElse: () => Effect.fail(noAnswer),
    }),
  )

const makeSdkClient = Effect.fnUntraced(function* ({ region, endpoint }: Options) {
  // Imported only now, because it takes 0.1 s and 25 MB, which a program without Cognito need not spend.
  const sdk = yield* Effect.promise(() => import("@aws-sdk/client-cognito-identity-provider"))
  const client = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new sdk.CognitoIdentityProviderClient({
          region,
          endpoint: String(endpoint ?? `https://cognito-idp.${region}.amazonaws.com`),
          // A time-out that is tried again can use up two of the user's five attempts.
          maxAttempts: 1,
          requestHandler: {
            connectionTimeout: 1_000,
            requestTimeout: 1_500,
            throwOnRequestTimeout: true,
            httpAgent: { maxSockets: socketLimit },
            httpsAgent: { maxSockets: socketLimit },
          },
          // With all of these said, the client does not look for them in files, in the environment or on the
          // network, so nothing but our own settings decides where a password goes.
          credentials: () => Promise.reject(new Error("Signing in is not signed")),
          retryMode: "standard",
          authSchemePreference: [],
          userAgentAppId: "btc-price",
        }),
    ),
    (client) => Effect.sync(() => client.destroy()),
  )
  return { client, sdk }
})

const noAnswer = new AuthenticatorError({
  reason: "unavailable",
  detail: `Cognito did not answer within ${callLimitSeconds} seconds`,
})

/** Proves that the one who asks for this user knows the client's secret. */
const secretHash = (username: string, clientId: string, clientSecret: string): string =>
  createHmac("sha256", clientSecret)
    .update(username + clientId)
    .digest("base64")
