/** Admits requests whose Bearer token the Authenticator accepts, and refuses others as RFC 6750 describes. */
import { Authenticator, type AuthenticatorError } from "@btc-price/domain/access/Authenticator"
import * as Effect from "effect/Effect"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Authorization, Caller } from "../api/Authorization.ts"
import { IdentityUnavailable, InsufficientScope, InvalidToken, MissingToken } from "../api/IdentityProblem.ts"
import { RequestLimits } from "./RequestLimits.ts"

const realm = 'Bearer realm="btc-price"'

export const layer: Layer.Layer<Authorization, never, Authenticator | RequestLimits> = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const authenticator = yield* Authenticator
    const limits = yield* RequestLimits
    // The responses are created once, so that a flood of bad tokens costs little.
    const missing = yield* respond(new MissingToken(), { "www-authenticate": realm })
    const responses = {
      "invalid-token": yield* respond(new InvalidToken(), {
        "www-authenticate": `${realm}, error="invalid_token"`,
      }),
      "insufficient-scope": yield* respond(new InsufficientScope(), {
        "www-authenticate": `${realm}, error="insufficient_scope"`,
      }),
      // A new key is available within a second, unless the provider is down.
      unavailable: yield* respond(new IdentityUnavailable(), { "retry-after": "1" }),
    } satisfies Readonly<Record<AuthenticatorError["reason"], unknown>>

    const refuse = Effect.fnUntraced(function* ({ reason, detail }: AuthenticatorError) {
      if (reason === "invalid-token") {
        yield* Effect.logDebug("A token was refused").pipe(Effect.annotateLogs("detail", detail))
      }
      return yield* limits.forStranger(responses[reason])
    })

    return Authorization.of({
      bearer: (handled, { credential }) =>
        Redacted.value(credential) === ""
          ? limits.forStranger(missing)
          : Effect.matchEffect(authenticator.verify(credential), {
              onFailure: refuse,
              onSuccess: Effect.fnUntraced(function* (identity) {
                yield* Effect.annotateCurrentSpan("enduser.id", identity.username)
                yield* limits.forUser(identity)
                return yield* Effect.provideService(handled, Caller, identity)
              }),
            }),
    })
  }),
)

const respond = (problem: HttpServerRespondable.Respondable, headers: Readonly<Record<string, string>>) =>
  Effect.map(HttpServerRespondable.toResponse(problem), HttpServerResponse.setHeaders(headers))
