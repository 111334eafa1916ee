/** Answers the managed login: the way to the identity provider's pages, and the way back. */
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
import * as Schema from "effect/Schema"
import { Api } from "../api/Api.ts"
import { LoginFailed, LoginNotConfigured } from "../api/IdentityProblem.ts"
import * as LoginReturn from "./LoginReturn.ts"
import { type Purpose, Seal } from "./Seal.ts"
import { refuse } from "./IdentityRefusal.ts"
import * as TokensBody from "./TokensBody.ts"

export interface Options {
  /** Whether a refresh token can be used here. One that cannot is not handed out. */
  readonly passwordLogin: boolean
}

export const layer = (options: Options) =>
  HttpApiBuilder.group(
    Api,
    "login",
    Effect.fnUntraced(function* (handlers) {
      const seal = yield* Seal
      const login = Effect.fromOption(yield* Effect.serviceOption(ManagedLogin)).pipe(
        Effect.mapError(() => loginNotConfigured(options.passwordLogin)),
      )

      /** The login that this browser began, if `state` is its own. */
      const pendingOf = Effect.fnUntraced(function* (state: Redacted.Redacted) {
        const { cookies } = yield* HttpServerRequest.HttpServerRequest
        const pending = yield* seal.open(pendingLogin, anybody, cookies[cookieName] ?? "")
        return yield* Effect.fromOption(Option.filter(pending, isBegunWith(state))).pipe(
          Effect.mapError(
            () =>
              new IdentityProviderError({
                reason: "invalid-credentials",
                detail: "The state is not that of a login which this browser began and did not finish",
              }),
          ),
        )
      })

      return handlers
        .handle(
          "begin",
          Effect.fnUntraced(function* () {
            const { page, pending } = yield* (yield* login).begin
            yield* setCookie((yield* seal.seal(pendingLogin, anybody, pending)).text)
            return HttpApiSchema.withHeaders({ body: undefined, headers: { location: page.href } })
          }),
        )
        .handle(
          "finish",
          Effect.fnUntraced(function* () {
            const { finish } = yield* login
            // Whatever comes of it: a login is finished once.
            yield* expireCookie
            const { code, state } = yield* LoginReturn.read
            const tokens = yield* pendingOf(state).pipe(
              Effect.flatMap((pending) => finish(code, pending)),
              Effect.catch(refuse),
              Effect.catchTag("InvalidCredentials", () => Effect.fail(new LoginFailed())),
            )
            return TokensBody.toBody(options.passwordLogin ? tokens : { ...tokens, refreshToken: null })
          }),
        )
    }),
  )

/** The prefix makes browsers refuse one that another host or plain HTTP set. */
const cookieName = "__Host-btc-price-login"

/** Lax, because the browser comes back from another site. */
const cookieOptions = { path: "/", httpOnly: true, secure: true, sameSite: "lax" } as const

const Secret = Schema.RedactedFromValue(Schema.String)

const pendingLogin: Purpose<PendingLogin> = {
  name: "login",
  schema: Schema.Struct({ state: Secret, nonce: Secret, codeVerifier: Secret }),
  life: Duration.minutes(10),
}

/** Who logs in is not known yet; that only the browser has the cookie takes an owner's place. */
const anybody = ""

const setCookie = (value: string) =>
  HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(
      HttpServerResponse.setCookieUnsafe(response, cookieName, value, {
        ...cookieOptions,
        maxAge: pendingLogin.life,
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

const loginNotConfigured = (hasPasswordLogin: boolean) =>
  new LoginNotConfigured(
    hasPasswordLogin ? { detail: "POST /get_token signs in with a user name and a password." } : {},
  )
