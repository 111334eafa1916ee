/** Lets in who shows a token that the Authenticator accepts, and says with RFC 6750 why it does not. */
import { Authenticator, type AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import * as Effect from "effect/Effect"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { RequestLimits } from "./RequestLimits.ts"
import { Authorization } from "../api/Authorization.ts"
import { IdentityUnavailable, InsufficientScope, InvalidToken, MissingToken } from "../api/IdentityProblem.ts"

const realm = 'Bearer realm="btc-price"'

export const layer: Layer.Layer<Authorization, never, Authenticator | RequestLimits> = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const authenticator = yield* Authenticator
    const limits = yield* RequestLimits
    // The answers to a flood of bad tokens are made once, so that it costs little.
    const missing = yield* answer(new MissingToken(), { "www-authenticate": realm })
    const invalid = yield* answer(new InvalidToken(), {
      "www-authenticate": `${realm}, error="invalid_token"`,
    })
    const insufficient = yield* answer(new InsufficientScope(), {
      "www-authenticate": `${realm}, error="insufficient_scope"`,
    })
    // A new key is at hand within a second, unless the provider is away.
    const unavailable = yield* answer(new IdentityUnavailable(), { "retry-after": "1" })

    const refuse = Effect.fnUntraced(function* (error: AuthenticatorError) {
      switch (error.reason) {
        case "invalid-token":
          yield* Effect.logDebug("A token was refused").pipe(Effect.annotateLogs("detail", error.detail))
          return invalid
        case "insufficient-scope":
          return insufficient
        case "unavailable":
          return unavailable
        default:
          return yield* Effect.die(error)
      }
    })

    return Authorization.of({
      bearer: (handled, { credential }) =>
        Redacted.value(credential) === ""
          ? Effect.succeed(missing)
          : Effect.matchEffect(authenticator.verify(credential), {
              onFailure: refuse,
              onSuccess: Effect.fnUntraced(function* (identity) {
                yield* Effect.annotateCurrentSpan("enduser.id", identity.username)
                yield* limits.forUser(identity)
                return yield* handled
              }),
            }),
    })
  }),
)

const answer = (problem: HttpServerRespondable.Respondable, headers: Readonly<Record<string, string>>) =>
  Effect.map(HttpServerRespondable.toResponse(problem), HttpServerResponse.setHeaders(headers))
