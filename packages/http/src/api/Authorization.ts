/** The contract of requests that require a Bearer token (RFC 6750). */
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import { IdentityUnavailable, InsufficientScope, InvalidToken, MissingToken } from "./IdentityProblem.ts"
import { QuotaExceeded } from "./Problem.ts"

export class Authorization extends HttpApiMiddleware.Service<Authorization>()(
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
