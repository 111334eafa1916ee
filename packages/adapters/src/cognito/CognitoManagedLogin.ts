/** Amazon Cognito's own pages as the ManagedLogin. Sources of the rules: RFC 6749, 7636 and OpenID Connect Core 1.0. */
import type { AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import { IdentityProviderError } from "@btc-price/domain/access/IdentityProvider"
import { ManagedLogin } from "@btc-price/domain/access/ManagedLogin"
import { decomposeUnverifiedJwt } from "aws-jwt-verify/jwt"
import * as Mac from "effect/crypto/Mac"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { hash, randomBytes } from "node:crypto"
import * as AnswerText from "../vendor/AnswerText.ts"
import * as CognitoClientSecrets from "./CognitoClientSecrets.ts"
import { messageLengthLimit } from "./CognitoFailure.ts"
import * as CognitoTokens from "./CognitoTokens.ts"
import type * as TokenClaims from "./TokenClaims.ts"
import * as TokenVerifier from "./TokenVerifier.ts"

export interface Pages {
  /** The pages' origin, such as `https://example.auth.eu-central-1.amazoncognito.com`. */
  readonly domain: URL | string
  /** Where the pages send the browser back to, exactly as configured on the app client. */
  readonly redirectUri: string
}

export interface Options
  extends
    Pages,
    Pick<TokenClaims.Rules, "userPoolId" | "replicaRegions" | "clientId" | "tokenUse" | "requiredScope"> {
  /** The secrets of a confidential app client; two while one replaces the other. */
  readonly clientSecrets: ReadonlyArray<Redacted.Redacted>
}

/**
 * The authorization code flow with PKCE (S256), `state` and `nonce`. A code is exchanged in one call of at most three
 * seconds, which follows no redirect.
 */
export const layer = (options: Options) =>
  Layer.effect(
    ManagedLogin,
    Effect.gen(function* () {
      const checkIdToken = yield* TokenVerifier.makeIdTokenCheck(options)
      const exchange = yield* makeExchange(options)

      return ManagedLogin.of({
        begin: Effect.sync(() => {
          const pending = { state: secret(), nonce: secret(), codeVerifier: secret() }
          const page = new URL("/oauth2/authorize", options.domain)
          page.search = String(
            new URLSearchParams({
              response_type: "code",
              client_id: options.clientId,
              redirect_uri: options.redirectUri,
              // A scope that the Authenticator requires must be requested here.
              scope: ["openid", options.requiredScope].filter(Predicate.isNotUndefined).join(" "),
              state: Redacted.value(pending.state),
              nonce: Redacted.value(pending.nonce),
              code_challenge_method: "S256",
              code_challenge: hash("sha256", Redacted.value(pending.codeVerifier), "base64url"),
            }),
          )
          return { page, pending }
        }),

        finish: Effect.fn("ManagedLogin.finish")(function* (code, pending) {
          const tokens = yield* exchange(code, pending.codeVerifier)
          yield* checkIdToken(tokens.idToken).pipe(Effect.mapError(blameOurselves))
          if (!hasNonce(tokens.idToken, pending.nonce)) {
            return yield* failure("invalid-credentials", "The ID token belongs to another login")
          }
          return tokens
        }),
      })
    }),
  )

/** Long enough that nobody can guess it, in bytes; also the length that RFC 7636 recommends. */
const secretBytes = 32

const secret = () => Redacted.make(randomBytes(secretBytes).toString("base64url"))

/** How long the whole exchange of a code may take, in seconds. */
const callLimitSeconds = 3

/** Cognito's response has three tokens of one to two thousand characters. */
const responseLimitBytes = 65_536

const TokenResponse = Schema.fromJsonString(
  Schema.Struct({
    id_token: Schema.optionalKey(Schema.String),
    access_token: Schema.optionalKey(Schema.String),
    refresh_token: Schema.optionalKey(Schema.String),
  }),
)

/** RFC 6749, section 5.2. */
const ErrorResponse = Schema.fromJsonString(Schema.Struct({ error: Schema.String }))

const makeExchange = Effect.fnUntraced(function* (options: Options) {
  const client = yield* HttpClient.HttpClient
  const { clientId, redirectUri } = options
  const url = new URL("/oauth2/token", options.domain)

  const receive = Effect.fnUntraced(
    function* (request: HttpClientRequest.HttpClientRequest) {
      const response = yield* client.execute(request)
      const text = yield* AnswerText.read(
        response,
        responseLimitBytes,
        failure("unavailable", `The response is larger than ${responseLimitBytes} bytes`),
      )
      if (response.status !== 200) return yield* errorIn(response.status, text)
      const returned = yield* Schema.decodeEffect(TokenResponse)(text).pipe(
        Effect.mapError(() => failure("unavailable", "The response cannot be parsed")),
      )
      return yield* CognitoTokens.read(
        {
          idToken: returned.id_token,
          accessToken: returned.access_token,
          refreshToken: returned.refresh_token,
        },
        options.tokenUse,
      )
    },
    Effect.timeoutOrElse({
      duration: Duration.seconds(callLimitSeconds),
      orElse: () =>
        Effect.fail(failure("unavailable", `Cognito did not answer within ${callLimitSeconds} seconds`)),
    }),
    // The error contains the request with its secrets, so only its kind is kept.
    Effect.catchTag("HttpClientError", ({ reason }) =>
      Effect.fail(failure("unavailable", `The exchange failed: ${reason._tag}`)),
    ),
    // A redirect would carry the secrets elsewhere, and our trace ids are not sent to others.
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
    Effect.provideService(HttpClient.TracerPropagationEnabled, false),
  )

  return (code: Redacted.Redacted, codeVerifier: Redacted.Redacted) => {
    const request = HttpClientRequest.post(url).pipe(
      HttpClientRequest.acceptJson,
      HttpClientRequest.bodyUrlParams({
        grant_type: "authorization_code",
        client_id: clientId,
        redirect_uri: redirectUri,
        code: Redacted.value(code),
        code_verifier: Redacted.value(codeVerifier),
      }),
    )
    return CognitoClientSecrets.withEach(options.clientSecrets, (clientSecret) =>
      receive(
        clientSecret === undefined ? request : HttpClientRequest.basicAuth(request, clientId, clientSecret),
      ),
    )
  }
})

/** Only `invalid_grant` is about the code; every other error is about this service. */
const errorIn = (status: number, text: string) => {
  if (status === 429 || status < 400 || status >= 500) return failure("unavailable", `Status ${status}`)
  return Option.match(Schema.decodeOption(ErrorResponse)(text), {
    onNone: () => failure("unavailable", `Status ${status} without a reason`),
    onSome: ({ error }) => {
      if (error === "invalid_client") return CognitoClientSecrets.wrongClientSecret
      const reason = error === "invalid_grant" ? "invalid-credentials" : "misconfigured"
      return failure(reason, error.slice(0, messageLengthLimit))
    },
  })
}

/** A token that the provider issued just now and that is not accepted here is not the user's fault. */
const blameOurselves = ({ reason, detail }: AuthenticatorError) =>
  reason === "unavailable"
    ? failure(reason, detail)
    : failure("misconfigured", `The ID token is not accepted: ${detail}`)

const hasNonce = (token: Redacted.Redacted, nonce: Redacted.Redacted): boolean => {
  const { nonce: given } = decomposeUnverifiedJwt(Redacted.value(token)).payload
  return (
    typeof given === "string" && Mac.timingSafeEqual(Buffer.from(given), Buffer.from(Redacted.value(nonce)))
  )
}

const failure = <const Reason extends IdentityProviderError["reason"]>(reason: Reason, detail: string) =>
  new IdentityProviderError({ reason, detail })
