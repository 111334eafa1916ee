/** The contract of requests that require a Bearer token (RFC 6750). */
import type { Identity } from "@btc-price/domain/access/Authenticator"
import * as Context from "effect/Context"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import { IdentityUnavailable, InsufficientScope, InvalidToken, MissingToken } from "./IdentityProblem.ts"
import { QuotaExceeded } from "./Problem.ts"

/** The user whose token was accepted. */
export class Caller extends Context.Service<Caller, Identity>()("@btc-price/http/api/Caller") {}

export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: Caller }>()(
  "@btc-price/http/api/Authorization",
  {
    // In lower case, as OpenAPI tools compare it; requests may use any case.
    security: {
      bearer: HttpApiSecurity.http({ scheme: "bearer" }).pipe(
        HttpApiSecurity.annotate(
          OpenApi.Description,
          "The `id_token` of `POST /get_token` or of a managed login, or an access token if the service is configured to accept access tokens",
        ),
      ),
    },
    error: [MissingToken, InvalidToken, InsufficientScope, QuotaExceeded, IdentityUnavailable],
  },
) {}
