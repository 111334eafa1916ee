/** Lets in who shows a token that the Authenticator accepts, and says with RFC 6750 why it does not. */
import { Authenticator, type AuthenticatorError } from "@btc-price/domain/Authenticator"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { RequestLimits } from "./limits/RequestLimits.ts"
import { Authorization } from "./api/Authorization.ts"
import { IdentityUnavailable, InsufficientScope, InvalidToken, MissingToken } from "./api/IdentityProblem.ts"

const realm = 'Bearer realm="btc-price"'

export const layer: Layer.Layer<Authorization, never, Authenticator | RequestLimits> = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const authenticator = yield* Authenticator
    const limits = yield* RequestLimits
    return Authorization.of({
      bearer: Effect.fnUntraced(function* (answer, { credential }) {
        if (Redacted.value(credential) === "") {
          yield* challenge(realm)
          return yield* new MissingToken()
        }
        const identity = yield* authenticator.verify(credential).pipe(Effect.catch(refuse))
        yield* Effect.annotateCurrentSpan("enduser.id", identity.username)
        yield* limits.forUser(identity)
        return yield* answer
      }),
    })
  }),
)

const refuse = Effect.fnUntraced(function* (error: AuthenticatorError) {
  switch (error.reason) {
    case "invalid-token":
      yield* Effect.logDebug("A token was refused").pipe(Effect.annotateLogs("detail", error.detail))
      yield* challenge(`${realm}, error="invalid_token"`)
      return yield* invalidToken
    case "insufficient-scope":
      yield* challenge(`${realm}, error="insufficient_scope"`)
      return yield* new InsufficientScope()
    case "unavailable":
      // A new key is at hand within a second, unless the provider is away.
      yield* withHeader("retry-after", "1")
      return yield* new IdentityUnavailable()
    default:
      return yield* Effect.die(error)
  }
})

/** Made once, because a flood may bring it about. */
const invalidToken = new InvalidToken()

const challenge = (value: string) => withHeader("www-authenticate", value)

const withHeader = (name: string, value: string) =>
  HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(HttpServerResponse.setHeader(response, name, value)),
  )
