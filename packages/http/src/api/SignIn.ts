/** How a user gets a token. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import {
  BodyTooLarge,
  ChallengeRequired,
  IdentityUnavailable,
  InternalError,
  InvalidCredentials,
  InvalidRequest,
  LoginNotConfigured,
  NotJson,
  SignInForbidden,
  TooManyAttempts,
} from "./Problem.ts"

const expected = (limit: number) => `expected a text of 1 to ${limit} characters`

const textOf = (limit: number) => {
  const message = expected(limit)
  return Schema.String.annotate({ message }).check(Schema.isBetweenLength(1, limit, { message }))
}

export const Credentials = Schema.Struct({
  username: textOf(128).annotateKey({ messageMissingKey: expected(128) }),
  password: Schema.RedactedFromValue(textOf(256)).annotateKey({ messageMissingKey: expected(256) }),
}).annotate({ identifier: "Credentials" })

export const Token = Schema.Struct({
  id_token: Schema.String.annotate({ description: "Send it as `Authorization: Bearer …`" }),
  token_type: Schema.Literal("Bearer"),
  expires_in: Schema.Int.annotate({ description: "Seconds" }),
}).annotate({ identifier: "Token" })

export class SignInGroup extends HttpApiGroup.make("signIn")
  .add(
    HttpApiEndpoint.post("getToken", "/get_token", {
      payload: Credentials,
      success: Token,
      error: [
        InvalidRequest,
        InvalidCredentials,
        ChallengeRequired,
        SignInForbidden,
        BodyTooLarge,
        NotJson,
        TooManyAttempts,
        InternalError,
        IdentityUnavailable,
      ],
    }).annotateMerge(OpenApi.annotations({ summary: "Trade a user name and password for an ID token" })),
    HttpApiEndpoint.get("callback", "/callback", { error: LoginNotConfigured }).annotateMerge(
      OpenApi.annotations({ summary: "Where the managed login returns to; not configured" }),
    ),
  )
  .annotateMerge(OpenApi.annotations({ title: "Sign-in" })) {}
