/** Handles the managed login: the redirect to the identity provider's pages, and the return from them. */
import { IdentityProviderError } from "@btc-price/domain/access/IdentityProvider"
import { ManagedLogin, type PendingLogin } from "@btc-price/domain/access/ManagedLogin"
import * as Mac from "effect/crypto/Mac"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Api } from "../api/Api.ts"
import { LoginFailed, LoginNotConfigured } from "../api/IdentityProblem.ts"
import { type Purpose, Envelope } from "./Envelope.ts"
import * as LoginReturn from "./LoginReturn.ts"
import { refuse } from "./SignInProblem.ts"
import * as TokensBody from "./TokensBody.ts"

export interface Options {
  /** Whether refresh tokens can be used here. If not, they are not handed out. */
  readonly passwordLogin: boolean
}

/** Where the provider's pages send the browser back to. */
export const returnPath = "/callback"

export const layer = (options: Options) =>
  HttpApiBuilder.group(
    Api,
    "login",
    Effect.fnUntraced(function* (handlers) {
      const envelope = yield* Envelope
      const login = Effect.fromOption(yield* Effect.serviceOption(ManagedLogin)).pipe(
        Effect.mapError(() => loginNotConfigured(options.passwordLogin)),
      )

      /** The login that this browser began, if `state` belongs to it. */
      const pendingOf = Effect.fnUntraced(function* (state: Redacted.Redacted) {
        const { cookies } = yield* HttpServerRequest.HttpServerRequest
        const pending = yield* envelope.open(pendingLogin, anybody, cookies[cookieName] ?? "")
        return yield* Effect.fromOption(Option.filter(pending, isBegunWith(state))).pipe(
          Effect.mapError(
            () =>
              new IdentityProviderError({
                reason: "invalid-credentials",
                detail: "The state does not belong to a login that this browser began and has not finished",
              }),
          ),
        )
      })

      return handlers
        .handle(
          "begin",
          Effect.fnUntraced(function* () {
            const { page, pending } = yield* (yield* login).begin
            yield* setCookie((yield* envelope.seal(pendingLogin, anybody, pending)).text)
            return HttpApiSchema.withHeaders({ body: undefined, headers: { location: page.href } })
          }),
        )
        .handle(
          "finish",
          Effect.fnUntraced(function* () {
            const { finish } = yield* login
            // Whatever the result, a login can be finished only once.
            yield* expireCookie
            const { state, result } = yield* LoginReturn.read
            const pending = yield* Effect.catch(pendingOf(state), refuseLogin)
            if (Result.isFailure(result)) return yield* LoginReturn.refuse(result.failure)
            const tokens = yield* Effect.catch(finish(result.success, pending), refuseLogin)
            return TokensBody.toBody(options.passwordLogin ? tokens : { ...tokens, refreshToken: null })
          }),
        )
    }),
  )

/** The prefix makes browsers refuse a cookie that another host or plain HTTP has set. */
const cookieName = "__Host-btc-price-login"

/** `lax`, because the browser comes back from another site. */
const cookieOptions = { path: "/", httpOnly: true, secure: true, sameSite: "lax" } as const

const Secret = Schema.RedactedFromValue(Schema.String)

const pendingLogin: Purpose<PendingLogin> = {
  name: "login",
  schema: Schema.Struct({ state: Secret, nonce: Secret, codeVerifier: Secret }),
  lifetime: Duration.minutes(10),
}

/** The user is not known yet. The cookie needs no owner, because only this browser has it. */
const anybody = ""

const setCookie = (value: string) =>
  HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(
      HttpServerResponse.setCookieUnsafe(response, cookieName, value, {
        ...cookieOptions,
        maxAge: pendingLogin.lifetime,
      }),
    ),
  )

const expireCookie = HttpEffect.appendPreResponseHandler((_, response) =>
  Effect.succeed(HttpServerResponse.expireCookieUnsafe(response, cookieName, cookieOptions)),
)

const isBegunWith =
  (state: Redacted.Redacted) =>
  (pending: PendingLogin): boolean =>
    Mac.timingSafeEqual(bytesOf(state), bytesOf(pending.state))

const bytesOf = (secret: Redacted.Redacted): Uint8Array => new TextEncoder().encode(Redacted.value(secret))

const refuseLogin = (error: Effect.Error<ReturnType<ManagedLogin["Service"]["finish"]>>) =>
  Effect.catchTag(refuse(error), "InvalidCredentials", () => Effect.fail(new LoginFailed()))

const loginNotConfigured = (hasPasswordLogin: boolean) =>
  new LoginNotConfigured(
    hasPasswordLogin ? { detail: "POST /get_token signs in with a user name and a password." } : {},
  )
