/** How a user gets tokens with a password, answers the identity provider's challenges, and renews the tokens. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import {
  ChallengeFailed,
  ChallengeRequired,
  IdentityUnavailable,
  InvalidCredentials,
  InvalidNewPassword,
  InvalidRefreshToken,
  PasswordLoginOff,
  SignInForbidden,
  TooManyAttempts,
  UnknownChallenge,
} from "./IdentityProblem.ts"
import { BodyTooLarge, InternalError, InvalidRequest, NotJson } from "./Problem.ts"

const expected = (limit: number) => `expected a text of 1 to ${limit} characters`

const textOf = (limit: number) => {
  const message = expected(limit)
  return Schema.String.annotate({ message }).check(
    Schema.isBetweenLength(1, limit, { message }),
    // An escape such as \ud800 without its other half has no form in UTF-8. It would become another password.
    Schema.makeFilter((text) => text.isWellFormed(), { message }),
  )
}

const username = textOf(128).annotateKey({ messageMissingKey: expected(128) })
const secretOf = (limit: number) =>
  Schema.RedactedFromValue(textOf(limit)).annotateKey({ messageMissingKey: expected(limit) })

/** The longest sealed session and refresh token, in characters. Cognito's own have up to 2,048. */
const sessionLengthLimit = 4_096

/** The longest ID or access token, in characters. */
const tokenLengthLimit = 16_384

export const Credentials = Schema.Struct({ username, password: secretOf(256) }).annotate({
  identifier: "Credentials",
  examples: [{ username: "demo", password: Redacted.make("…") }],
})

export const ChallengeAnswer = Schema.Struct({
  username,
  session: secretOf(sessionLengthLimit),
  answer: secretOf(256),
}).annotate({ identifier: "ChallengeAnswer" })

export const RefreshToken = Schema.Struct({ refresh_token: secretOf(sessionLengthLimit) }).annotate({
  identifier: "RefreshToken",
})

export const Revocation = Schema.Struct({
  refresh_token: secretOf(sessionLengthLimit),
  token: Schema.optionalKey(Schema.RedactedFromValue(textOf(tokenLengthLimit))).annotateKey({
    description: "An ID or access token, to be refused from now on with all other tokens of its sign-in",
  }),
}).annotate({ identifier: "Revocation" })

export const Tokens = Schema.Struct({
  // First, so that a shell can cut it out easily.
  id_token: Schema.String.annotate({
    description:
      "Send it as `Authorization: Bearer …`, unless the service is configured to accept access tokens",
  }),
  access_token: Schema.String,
  refresh_token: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "For `POST /get_token/refresh`. If it is missing, the refresh token that was sent stays valid",
    }),
  ),
  token_type: Schema.Literal("Bearer"),
  expires_in: Schema.Natural.annotate({ description: "Seconds" }),
}).annotate({ identifier: "Tokens" })

/** Problems that every one of these endpoints may answer. */
const common = [
  InvalidRequest,
  SignInForbidden,
  PasswordLoginOff,
  BodyTooLarge,
  NotJson,
  TooManyAttempts,
  InternalError,
  IdentityUnavailable,
] as const

export class SignInGroup extends HttpApiGroup.make("signIn")
  .add(
    HttpApiEndpoint.post("getToken", "/get_token", {
      payload: Credentials,
      success: Tokens,
      error: [InvalidCredentials, ChallengeRequired, UnknownChallenge, ...common],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Trade a user name and password for tokens",
        description:
          "If the identity provider requires a further proof, the answer is a 403 problem with a `session`. Send the session and the proof to `POST /get_token/challenge`.",
      }),
    ),
    HttpApiEndpoint.post("answerChallenge", "/get_token/challenge", {
      payload: ChallengeAnswer,
      success: Tokens,
      error: [ChallengeFailed, ChallengeRequired, UnknownChallenge, InvalidNewPassword, ...common],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Answer a challenge",
        description:
          "`answer` is the code of `SOFTWARE_TOKEN_MFA`, `SMS_MFA`, `EMAIL_OTP` and `MFA_SETUP`, one of the `choices` of `SELECT_MFA_TYPE`, or the new password of `NEW_PASSWORD_REQUIRED`. Another challenge may follow. A session is valid for one answer by its own user.",
      }),
    ),
    HttpApiEndpoint.post("refreshToken", "/get_token/refresh", {
      payload: RefreshToken,
      success: Tokens,
      error: [InvalidRefreshToken, ...common],
    }).annotateMerge(OpenApi.annotations({ summary: "Trade a refresh token for new tokens" })),
    HttpApiEndpoint.post("revokeToken", "/get_token/revoke", {
      payload: Revocation,
      success: HttpApiSchema.NoContent,
      error: common,
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Revoke a refresh token",
        description:
          "A token that is unknown or already revoked is not an error. ID and access tokens stay valid until they expire, except in the process that answers: if `token` is sent, that process refuses all tokens of the same sign-in.",
      }),
    ),
  )
  .annotateMerge(
    OpenApi.annotations({
      title: "Sign-in",
      description:
        "Every other endpoint requires a token. Send a user name and a password to `POST /get_token`, and then send the `id_token` of the answer with each request: `Authorization: Bearer …`. A token is valid for `expires_in` seconds; `POST /get_token/refresh` gets a new one.",
    }),
  ) {}
