/**
 * An independent OpenID provider on loopback (oidc-provider), configured to look like a Cognito user pool: with the
 * pool's issuer and paths, and the claims that Cognito adds to an ID token.
 */
import type * as CognitoManagedLogin from "@btc-price/adapters/cognito/CognitoManagedLogin"
import type * as CognitoUserPool from "@btc-price/adapters/cognito/CognitoUserPool"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createServer } from "node:http"
import { type Configuration, Provider } from "oidc-provider"
import * as LoopbackServer from "../LoopbackServer.ts"
import * as CognitoPool from "./CognitoPool.ts"
import * as TokenIssuer from "./TokenIssuer.ts"

export const redirectUri = "https://btc-price.example.com/callback"

const { clientId, clientSecret, region, userPoolId } = CognitoPool
const jwksPath = `/${userPoolId}/.well-known/jwks.json`
const signInPath = "/sign-in/"

export interface OidcServer {
  readonly options: CognitoUserPool.Options & {
    readonly endpoint: string
    readonly managedLogin: CognitoManagedLogin.Pages
  }
  /** For a program that signs in here. */
  readonly environment: Readonly<Record<string, string>>
  /** Opens a page as a new browser does, and signs in as `username`. Returns the address that the browser is sent to. */
  readonly visit: (page: URL, username: string) => Effect.Effect<URL>
}

/** Runs until the scope closes. */
export const make = Effect.gen(function* () {
  const provider = new Provider(`https://cognito-idp.${region}.amazonaws.com/${userPoolId}`, configuration())
  const answer = provider.callback()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://127.0.0.1")
    if (!url.pathname.startsWith(signInPath)) return void answer(request, response)
    const username = url.searchParams.get("username") ?? ""
    void provider.interactionFinished(
      request,
      response,
      username === "nobody"
        ? { error: "access_denied", error_description: "canary <script>" }
        : { login: { accountId: username } },
    )
  })
  const port = yield* LoopbackServer.listen(server)
  const endpoint = `http://127.0.0.1:${port}`

  return {
    options: {
      ...CognitoPool.appClient,
      endpoint,
      jwksUrl: endpoint + jwksPath,
      managedLogin: { domain: endpoint, redirectUri },
    },
    environment: {
      ...CognitoPool.environmentAt(endpoint, endpoint + jwksPath),
      COGNITO_DOMAIN: endpoint,
      PUBLIC_URL: new URL(".", redirectUri).href,
    },
    visit: (page, username) => Effect.promise(() => visit(page, username)),
  } satisfies OidcServer
})

const configuration = (): Configuration => {
  const { jwk, privateKey } = TokenIssuer.keyAt(0)
  return {
    clients: [
      {
        client_id: clientId,
        client_secret: Redacted.value(clientSecret),
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        token_endpoint_auth_method: "client_secret_basic",
      },
    ],
    jwks: { keys: [{ ...jwk, ...privateKey.export({ format: "jwk" }), kty: "RSA" }] },
    routes: { authorization: "/oauth2/authorize", token: "/oauth2/token", jwks: jwksPath },
    pkce: { required: () => true },
    claims: { openid: ["sub", "token_use", "cognito:username"] },
    conformIdTokenClaims: false,
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({ sub: `sub-of-${accountId}`, token_use: "id", "cognito:username": accountId }),
    }),
    // Every user who signs in consents.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId,
        accountId: oidc.session?.accountId,
      })
      grant.addOIDCScope("openid")
      await grant.save()
      return grant
    },
    issueRefreshToken: async () => true,
    interactions: { url: (_, { uid }) => signInPath + uid },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ["test"] },
  }
}

/** Follows redirects with the cookies that the provider sets, until one leads elsewhere. */
const visit = async (
  page: URL,
  username: string,
  cookies: ReadonlyMap<string, string> = new Map(),
  url = page,
): Promise<URL> => {
  if (url.origin !== page.origin) return url
  if (url.pathname.startsWith(signInPath)) url.searchParams.set("username", username)
  const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ")
  const response = await fetch(url, { redirect: "manual", headers: { cookie } })
  const location = response.headers.get("location")
  if (location === null) throw new Error(`${url} gave ${response.status}: ${await response.text()}`)
  const added = response.headers.getSetCookie().map((line): readonly [string, string] => {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    return [name, value]
  })
  return visit(page, username, new Map([...cookies, ...added]), new URL(location, url))
}
