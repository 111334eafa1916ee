/** How a user gets tokens on the identity provider's own pages. */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { IdentityUnavailable, LoginFailed, LoginNotConfigured, LoginRefused } from "./IdentityProblem.ts"
import { InternalError, InvalidRequest } from "./Problem.ts"
import { Tokens } from "./SignIn.ts"

export class LoginGroup extends HttpApiGroup.make("login")
  .add(
    HttpApiEndpoint.get("begin", "/login", {
      success: HttpApiSchema.WithHeaders(HttpApiSchema.Empty(302), { location: Schema.String }),
      error: LoginNotConfigured,
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Sign in on the identity provider's pages",
        description:
          "For a browser. It receives a cookie that lasts ten minutes, without which nobody can finish the login.",
      }),
    ),
    HttpApiEndpoint.get("finish", "/callback", {
      success: Tokens,
      error: [
        InvalidRequest,
        LoginFailed,
        LoginRefused,
        LoginNotConfigured,
        InternalError,
        IdentityUnavailable,
      ],
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Finish a sign-in on the identity provider's pages",
        description:
          "The identity provider sends the browser here with `code` and `state`, each once. Other parameters are ignored (RFC 6749, section 4.1.2).",
      }),
    ),
  )
  .annotateMerge(
    OpenApi.annotations({
      title: "Managed login",
      description: "Tokens from the identity provider's own pages, for browsers.",
    }),
  ) {}
